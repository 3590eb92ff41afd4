-- One row per context text as written and word in it; word is null where the vocabulary does not know it.
with

written as (

    select distinct context
    from raw.orders
    where context is not null

),

piece as (

    select
        context,
        unnest(string_split(context, ';')) as piece
    from written

),

part as (

    select
        context,
        lower(trim(piece)) as word_written
    from piece

)

select distinct
    part.context,
    part.word_written,
    vocabulary.word
from part
left join rule.vocabulary as vocabulary
    on
        vocabulary.vocabulary = 'context'
        and vocabulary.word = part.word_written
where part.word_written <> ''
