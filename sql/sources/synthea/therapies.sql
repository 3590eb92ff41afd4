-- One row per medication of Synthea (each dose of a chemotherapy is one), unless its reason is another disease.
-- The contract has no reason column. Paclitaxel given for lung cancer to a patient who has breast cancer too would
-- pass for therapy of the breast, so a medication whose reason is no diagnosis of the breast value set is left out;
-- one without a reason stays.
select
    md5(concat_ws('|', 'therapy', patient, encounter, start, stop, code)) as therapy_id,
    patient as patient_id,
    'RXNORM' as code_system,
    code,
    start as started_on,
    stop as ended_on,
    case when stop is null then 'active' else 'completed' end as status,
    part,
    line
from delivered.medications
where
    reasoncode is null
    or exists (
        select 1
        from rule.diagnosis
        where
            diagnosis.code_system = 'SNOMED'
            and diagnosis.code = trim(medications.reasoncode)
    )
