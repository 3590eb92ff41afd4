-- One row per therapy code that counts as exposure although its agent or class never does, or agent of two classes.
-- RUL-20, error: supportive drugs, bone agents, ovarian suppression and methotrexate start no course.
select
    'value_sets/therapy.csv' as file,
    therapy.code_system || ' ' || therapy.code as row_key,
    coalesce(therapy.agent, 'a code without an agent') || ' (' || therapy.therapy_class || ') cannot count' as message,
    'set is_counted to false, or correct the class' as fix
from rule.therapy as therapy
left join rule.vocabulary as class_word
    on
        class_word.vocabulary = 'therapy_class'
        and class_word.word = therapy.therapy_class
where
    therapy.is_counted
    and (class_word.role = 'uncounted' or therapy.agent = 'methotrexate')
union all
select
    'value_sets/therapy.csv' as file,
    agent as row_key,
    'the agent has the classes ' || string_agg(distinct therapy_class, ' and ' order by therapy_class) as message,
    'give all codes of the agent one class' as fix
from rule.therapy
where agent is not null
group by agent
having count(distinct therapy_class) > 1
