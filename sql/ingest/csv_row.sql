-- One row per line of a CSV part after its header, in the part's order: its fields in the header's order, or the reason
-- why it cannot be split into them. Blank lines are rows too, so that the place of a row is its line's.
-- A record is a line. No column of the contract can hold a line break, so one inside quotes breaks its
-- record, and both pieces are rejected where they stand: line numbers stay those an editor shows, and a
-- stray quote costs its own line, where a parser that looks for its partner would swallow the lines after it.
with

physical_line as (

    -- A unit separator never stands in a part (the scan before refuses it), so each line is one field.
    select text
    from read_csv(
        $path, columns = {'text': 'VARCHAR'}, header = false, skip = 1, auto_detect = false,
        delim = chr(31), quote = '', escape = '', new_line = $new_line, strict_mode = false,
        compression = $compression
    )

),

-- Splitting at commas is many times cheaper than parsing quotes, and nearly every line allows it.
split_line as (

    select
        -- A line with a comma is not blank; to trim each line took longer than to split it.
        case when contains(text, ',') then false else trim(text) = '' end as is_blank,
        case
            when not contains(text, '"') then string_split(text, ',')
            when regexp_full_match(text, '(?:"[^",]*"|[^",]*)(?:,(?:"[^",]*"|[^",]*))*')
                then string_split(replace(text, '"', ''), ',')
            -- A quote inside a field that does not begin with one would let half a broken record pass for a row.
            when
                regexp_full_match(
                    text, '(?:\s*"(?:[^"]|"")*"\s*|[^",]*)(?:,(?:\s*"(?:[^"]|"")*"\s*|[^",]*))*'
                )
                then list_transform(
                    regexp_extract_all(',' || text, ',(\s*"(?:[^"]|"")*"\s*|[^,]*)', 1),
                    lambda field: case
                        when starts_with(trim(field), '"')
                            then replace(trim(field)[2:-2], '""', '"')
                        else field
                    end
                )
        end as fields
    from physical_line

)

select
    fields,
    is_blank,
    case
        when fields is null then 'unreadable_row'
        when len(fields) < $n_columns then 'too_few_columns'
        when len(fields) > $n_columns then 'too_many_columns'
    end as reason
from split_line
