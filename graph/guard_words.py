"""The words of Cypher that the guard knows: the functions it allows, and why it refuses what it refuses."""

from __future__ import annotations

#: The one procedure that may be called: it finds the nodes nearest to a vector in an index, and nothing else.
VECTOR_SEARCH = "db.index.vector.queryNodes"
#: The most that may be asked of it.
MOST_NEAREST = 1_000

#: What is refused where a clause could stand, by the reason that is told.
_WHY = {
    "it changes the graph": "CREATE DELETE DETACH FOREACH INSERT MERGE NODETACH REMOVE SET UPDATE",
    "it runs procedures and subqueries, which can do more than read": "CALL YIELD IN_TRANSACTIONS",
    "it reads or writes files or other servers": "ATTACH COPY EXPORT IMPORT LOAD",
    "it loads code into the engine": "INSTALL UNINSTALL",
    "it changes the layout of the graph": "ALTER COMMENT DROP MACRO PROJECT_GRAPH RENAME",
    "it shows or changes settings, users and other people's statements":
        "DEALLOCATE DENY DRYRUN ENABLE EXECUTE GRANT PREPARE REVOKE SHOW START STOP TERMINATE",
    "it belongs to transactions, which are not yours to steer": "BEGIN CHECKPOINT COMMIT ROLLBACK",
    "it leads to another database": "USE",
    "it steers the engine's planner": "CYPHER EXPLAIN PROFILE USING HINT",
    "a statement must return something": "FINISH",
}  # fmt: skip
REFUSED = {word: reason for reason, words in _WHY.items() for word in words.split()}

#: Words that no bare name may be: where one reader sees a name, another could see a clause.
RESERVED = frozenset({
    *(set(REFUSED) - {"COMMENT", "CYPHER", "ENABLE", "FINISH", "HINT", "START", "STOP"}),
    "AS", "IN", "LIMIT", "MATCH", "OPTIONAL", "RETURN", "SKIP", "UNION", "UNWIND", "WHERE", "WITH",
})  # fmt: skip

_MEASURES = """
    abs acos array_contains array_cosine_similarity array_distance array_dot_product array_inner_product
    array_position array_squared_distance asin atan atan2 avg bitwise_and bitwise_or bitwise_xor cardinality
    cbrt ceil ceiling century char_length character_length contains cos cot count count_if current_date
    current_timestamp date date.realtime date.statement date.transaction date.truncate date_part date_trunc
    datepart datetime datetime.fromepoch datetime.fromepochmillis datetime.realtime datetime.statement
    datetime.transaction datetime.truncate datetrunc dayname degrees duration duration.between duration.indays
    duration.inmonths duration.inseconds e elementid ends_with epoch_ms even exists exp floor gamma haversin id
    interval is_acyclic is_trail isempty isnan label last_day length levenshtein lgamma list_contains list_has
    list_has_all list_has_any list_indexof list_position list_product list_sum list_unique ln localdatetime
    localdatetime.realtime localdatetime.statement localdatetime.transaction localdatetime.truncate localtime
    localtime.truncate log log10 log2 make_date md5 monthname octet_length offset percentilecont percentiledisc
    pi point point.distance point.withinbbox pow prefix radians rand random randomuuid regexp_full_match
    regexp_matches round sha256 sign sin size sqrt starts_with stdev stdevp suffix sum tan time time.truncate
    time_bucket timestamp to_bool to_date to_days to_double to_epoch_ms to_float to_hours to_int16 to_int32
    to_int64 to_microseconds to_milliseconds to_minutes to_months to_seconds to_timestamp to_years toboolean
    tobooleanornull tofloat tofloatornull tointeger tointegerornull type typeof valuetype
    vector.similarity.cosine vector.similarity.euclidean
"""
_NUMBERS = """
    abs acos asin atan atan2 cbrt ceil ceiling char_length character_length cos cot degrees e exp floor length ln log
    log10 log2 octet_length pi pow radians rand round sign sin size sqrt tan to_double to_float to_int16 to_int32
    to_int64 tofloat tofloatornull tointeger tointegerornull
"""
_SHAPES = """
    array_append array_cat array_concat array_extract array_slice array_value btrim cast coalesce collect concat
    concat_ws element_at end_node endnode greatest head histogram ifnull initcap keys labels last lcase least
    left list_any_value list_append list_cat list_concat list_creation list_distinct list_element list_extract
    list_filter list_max list_min list_prepend list_reverse list_reverse_sort list_slice list_sort
    list_to_string list_transform lower ltrim map map_extract map_keys map_values max min nodes nullif
    properties range regexp_extract regexp_extract_all regexp_split_to_array relationships rels replace reverse
    right rtrim split split_part start_node startnode str_split string string_split string_to_array
    struct_extract struct_pack substr substring tail to_string tobooleanlist tofloatlist tointegerlist tolower
    tostring tostringlist tostringornull toupper trim ucase upper
"""

#: Functions whose result is one number, truth value, or moment, whatever their arguments' length.
MEASURES = frozenset(_MEASURES.split())

#: Of these, those whose result is a number or nothing: added to a number it never makes a text or a list.
NUMBERS = frozenset(_NUMBERS.split())

#: Functions that hand on their arguments, in part, in another form, or put together.
SHAPES = frozenset(_SHAPES.split())

#: Functions that go through a list with a condition or a running value of their own.
LOOPS = frozenset({"all", "any", "none", "single", "reduce"})

#: Functions that make texts of any length from nothing.
FILLS_MEMORY = frozenset({"lpad", "repeat", "rpad", "space", "normalize"})
