-- One row per comparison: how many cases and labels there are in each run, and how many labels both have and changed.
select
    (select count(*) from diff.cancer where run = 'earlier' and is_case) as n_cases_earlier,
    (select count(*) from diff.cancer where run = 'later' and is_case) as n_cases_later,
    (select count(*) from diff.label where run = 'earlier') as n_labels_earlier,
    (select count(*) from diff.label where run = 'later') as n_labels_later,
    (
        select count(*)
        from diff.label as earlier_label
        inner join diff.label as later_label
            on later_label.order_id = earlier_label.order_id
        where earlier_label.run = 'earlier' and later_label.run = 'later'
    ) as n_labels_both,
    (select count(distinct order_id) from diff.aspect_change) as n_changed,
    (select count(distinct order_id) from diff.aspect_change where is_touched) as n_changed_touched
