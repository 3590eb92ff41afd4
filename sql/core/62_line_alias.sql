-- One row per imaging order line of a case whose code says another extent of PET/CT than the edition in force names.
-- Where several editions could have been in force, only if all of them use the same name (DECISIONS 14).
select
    order_edition.order_id,
    min(alias.rated_as) as alias_procedure
from core.order_edition as order_edition
inner join core.exam_line as exam_line
    on exam_line.order_id = order_edition.order_id
left join rule.procedure_alias as alias
    on
        alias.edition = order_edition.edition
        and alias.procedure = exam_line.procedure
        and alias.scope = 'any'
where order_edition.could_be_in_force
group by order_edition.order_id
having count(*) = count(alias.rated_as) and count(distinct alias.rated_as) = 1
