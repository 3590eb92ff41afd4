-- One row per imaging order line of a case and row of the delivery on which its label rests, with the part it plays.
with

fact as (

    select
        phase.order_id,
        exam_line.exam_id,
        routed.router_row,
        routed.reason,
        router_fact.*  exclude (order_id, phase),
        neoadjuvant_case.diagnosis_id,
        neoadjuvant_case.first_dose_id,
        neoadjuvant_case.last_dose_id,
        neoadjuvant_case.surgery_id,
        exam_line.fdg_id,
        exam_line.other_tracer_id,
        exam_line.sestamibi_id,
        exam_line.requires,
        rated.rating,
        rated.status,
        nodal_status.nodal_diagnosis_id,
        routed.scenario
    from core.phase as phase
    inner join core.exam_line as exam_line
        on exam_line.order_id = phase.order_id
    inner join core.routed as routed
        on
            routed.order_id = phase.order_id
            and routed.reading = 'as_defined'
    inner join core.router_fact as router_fact
        on router_fact.order_id = phase.order_id
    inner join core.neoadjuvant_case as neoadjuvant_case
        on neoadjuvant_case.case_id = exam_line.case_id
    left join core.nodal_status as nodal_status
        on nodal_status.order_id = phase.order_id
    left join core.rated as rated
        on
            rated.order_id = phase.order_id
            and rated.question = 'breast_response'

)

select order_id, 'cancer' as role, diagnosis_id as row_id from fact
union all
select order_id, 'first_dose' as role, first_dose_id as row_id from fact
union all
select order_id, 'last_dose' as role, last_dose_id as row_id from fact
union all
select order_id, 'surgery' as role, surgery_id as row_id from fact where surgery_id is not null
union all
select order_id, 'exam' as role, exam_id as row_id from fact where router_row = 3
union all
select order_id, 'biopsy' as role, biopsy_id as row_id from fact
where router_row = 5 and biopsy_id is not null
union all
select order_id, 'reason_code' as role, screening_code as row_id from fact
where router_row = 6 and screening_code is not null
union all
select order_id, 'context' as role, 'screening' as row_id from fact
where router_row = 6 and says_screening
union all
select order_id, 'finding' as role, progression_id as row_id from fact
where router_row = 8 and progression_id is not null
union all
select order_id, 'context' as role, 'progression_suspected' as row_id from fact
where router_row = 8 and says_progression
union all
select order_id, 'finding' as role, discordance_id as row_id from fact
where router_row = 9 and discordance_id is not null
union all
select order_id, 'context' as role, 'discordant_findings' as row_id from fact
where router_row = 9 and says_discordant
union all
select order_id, 'reason_code' as role, metastasis_code as row_id from fact
where router_row = 10 and metastasis_code is not null
union all
select order_id, 'diagnosis' as role, metastasis_id as row_id from fact
where router_row = 10 and metastasis_id is not null
union all
select order_id, 'context' as role, 'metastasis_suspected' as row_id from fact
where router_row = 10 and says_metastasis
union all
select order_id, 'context' as role, 'axilla_evaluation' as row_id from fact
where router_row = 11 and says_axilla
union all
select order_id, 'nodal_status' as role, nodal_diagnosis_id as row_id from fact
where (router_row = 11 or scenario = 'baseline') and nodal_diagnosis_id is not null
union all
select order_id, 'tracer' as role, fdg_id as row_id from fact
where requires = 'fdg_tracer' and fdg_id is not null
union all
select order_id, 'tracer' as role, other_tracer_id as row_id from fact
where requires = 'fdg_tracer' and other_tracer_id is not null
union all
select order_id, 'tracer' as role, sestamibi_id as row_id from fact
where requires = 'sestamibi_or_breast_indication' and sestamibi_id is not null
union all
select order_id, 'variant_2_rating' as role, coalesce(rating, status) as row_id from fact
where reason = 'therapy_end_unknown'
