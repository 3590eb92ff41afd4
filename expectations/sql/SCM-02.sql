-- One row per question and basis that the rules know and the table does not have.
select
    asked.scenario,
    asked.basis
from (
    select distinct
        reroute.scenario,
        basis.basis
    from rule.reroute as reroute
    cross join (select unnest(string_split('order;episode', ';')) as basis) as basis
) as asked
left join {batch} as figure
    on
        figure.scenario = asked.scenario
        and figure.basis = asked.basis
where figure.scenario is null
