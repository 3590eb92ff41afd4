-- One row per index order of the measure: an order of the earliest day on which the case was imaged for response.
-- Bundled: one case may have several. Cases of the tier unresolved are not in the headline.
select
    order_label.order_id,
    order_label.measure
from out.order_label as order_label
inner join out.neoadjuvant_case as neoadjuvant_case
    on neoadjuvant_case.case_id = order_label.case_id
where order_label.is_first and order_label.measure = $measure and neoadjuvant_case.intent_tier <> 'unresolved'
