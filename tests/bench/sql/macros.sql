-- What the other persons' rows are made of: everything follows from a row's number, the seed and a word.
create or replace macro drawn(n, word) as hash($seed, word, n);
create or replace macro part(n, word, parts) as cast(drawn(n, word) % parts as integer);
create or replace macro share(n, word) as (drawn(n, word) % 1000000007) / 1000000007.0;
-- Keys look like those of the demo, letters first and no long run of digits: a salted hash, not a number.
create or replace macro anew(letter, word, key) as
    letter || translate(lower(to_base(cast(hash($seed, word, key) >> 4 as bigint), 32)), '0189', 'wxyz');
-- One site in six writes the time of day as well, as one site of the demo does.
create or replace macro site(n) as 'synthetic-' || chr(97 + part(n, 'site', 6));
create or replace macro written(n, word, days) as
    strftime(date '2022-10-01' + part(n, word, 1000) + days, '%Y-%m-%d')
    || case
        when part(n, 'site', 6) = 3
            then 'T' || lpad(cast(7 + part(n, 'hour', 12) as varchar), 2, '0') || ':' || cast(part(n, 'minute', 6) as varchar) || '0:00'
        else ''
    end;
