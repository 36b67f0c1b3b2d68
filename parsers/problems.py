"""Every way a message can be wrong, one line each: code, level, meaning, and what its question must name."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Level(StrEnum):
    """What follows from a finding: the report is refused with a reason, its sender is asked, or staff see a flag."""

    REFUSE = "H"
    ASK = "Q"
    FLAG = "W"


_H, _Q, _W = Level.REFUSE, Level.ASK, Level.FLAG


class ProblemCode(StrEnum):
    """The codes of all problems and findings: one namespace for the reader, the judge and who checks facilities.

    Shape: `about` names the keys that a Problem or Finding of this code carries; one in brackets is there when known.
    `key` is `measure` or `measure.item`; numbers are whole numbers, a period is `YYYY-MM`.
    """

    level: Level
    meaning: str
    about: tuple[str, ...]

    def __new__(cls, code: str, level: Level, meaning: str, about: str = "") -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.level, member.meaning, member.about = level, meaning, tuple(about.split())
        return member

    # The message as a whole
    MESSAGE_TOO_LONG = "message_too_long", _H, "longer than we read; a human reads it whole", "most"
    FORM_UNCLEAR = "form_unclear", _H, "a report without its keyword that fits more than one form", "forms"
    COMMAND_UNCLEAR = "command_unclear", _H, "a command word inside a report: which of the two is meant?", "command"

    # Words
    WORD_UNKNOWN = "word_unknown", _H, "a word that no form knows, where a value may be lost", "[measure] [number]"
    WORD_AMBIGUOUS = "word_ambiguous", _H, "a word that may mean two things", "[meanings] [measure] [number]"
    WORD_NEGATED = "word_negated", _H, "a 'not' directly before a word or number", "word"

    # Numbers
    NUMBER_MISSING = "number_missing", _H, "a word without its number", "key"
    NUMBER_STRAY = "number_stray", _H, "a number that belongs to no word", "[measure]"
    NUMBER_NOT_WHOLE = "number_not_whole", _H, "a decimal, a fraction or a percentage", "[key] [item]"
    NUMBER_RANGE = "number_range", _H, "from-to instead of one number", "[key] [item]"
    NUMBER_SIGNED = "number_signed", _H, "a plus or minus before a number", "[key] [item]"
    NUMBER_GARBLED = "number_garbled", _H, "letters or signs inside or at a number", "[key] [item]"
    NUMBER_MONTH = "number_month", _H, "a number that is written as only a month is", "key"
    NUMBER_UNIT = "number_unit", _H, "a number of something else than the item is counted in", "item [key]"
    NUMBER_TOO_LARGE = "number_too_large", _H, "a number over 99,999", "[key] most"
    NUMBERS_NOT_FOUR = "numbers_not_four", _H, "bare numbers after an item, not as many as are due", "item count due"

    ORDER_UNCLEAR = "order_unclear", _H, "numbers before some words and behind others: nothing is kept"

    # What was said about what
    KEY_TWICE = "key_twice", _H, "the same thing twice with different numbers", "key first second"
    ITEM_NOT_ALLOWED = "item_not_allowed", _H, "an item that this measure is not counted for", "key measure item"
    ITEM_MISSING = "item_missing", _H, "a measure that must follow an item, and follows none", "measure"
    MEASURE_MISSING = "measure_missing", _H, "a measure that the form requires", "key"
    VALUES_MISSING = "values_missing", _H, "a keyword, and nothing reported", "form"

    # Months
    PERIOD_UNCLEAR = "period_unclear", _H, "where the month is due, something that is no month"
    PERIOD_SWAPPED = (
        "period_swapped",
        _H,
        "year before month, a day's date, or 09 alone: is this month meant?",
        "period",
    )
    PERIODS_DIFFER = "periods_differ", _H, "two different months in one report", "first second"
    PERIOD_FUTURE = "period_future", _H, "a month that has not begun", "period"
    PERIOD_OLD = "period_old", _H, "a month more than 24 months back", "period"
    PERIOD_RUNNING = "period_running", _Q, "the running month, before day 25", "period"
    PERIOD_TAKEN = "period_taken", _H, "no month was written, and the assumed one has other numbers", "period"
    PERIOD_LATE = "period_late", _W, "a month more than 3 months back", "period months"

    # Who reports (found by the caller, who knows the facilities)
    FACILITY_MISSING = "facility_missing", _H, "a reporter of several facilities who named none"
    FACILITY_UNKNOWN = "facility_unknown", _H, "a facility that this reporter does not report for", "facility"

    REPAIRS_TOO_MANY = "repairs_too_many", _H, "more words read differently than one answer can name", "count repair"

    # Sums, from the values alone
    SUM_EXCEEDS_TOTAL = "sum_exceeds_total", _H, "items that add up to more than their total", "key sum total"
    ITEM_MISPLACED = "item_misplaced", _H, "an item too big for its measure; it fits another", "key item total other"
    PARTS_EXCEED_WHOLE = "parts_exceed_whole", _H, "parts that are more than the whole", "parts whole sum total [item]"
    EQUATION_FAILS = "equation_fails", _H, "a result that its parts do not give", "key item written expected"
    SUM_DIFFERS = "sum_differs", _W, "all items given, and their sum is not the total", "key sum total"
    KINDS_AND_WHOLE = "kinds_and_whole", _W, "an item and one of its kinds both given (suntik and suntik3)", "key kind"

    # Plausibility, beside what is known of the facility
    FIGURES_CHANGED = (
        "figures_changed",
        _Q,
        "other figures than count already, where that is asked",
        "key value previous [proof]",
    )
    OPENING_DIFFERS = "opening_differs", _Q, "opening stock is not last month's closing stock", "key value previous"
    ACTIVE_BELOW_NEW = "active_below_new", _Q, "fewer users now than new ones this month", "key value least"
    VALUE_JUMPS = "value_jumps", _Q, "many times what is usual here: a digit slip?", "key value usual"
    VALUE_MOVES = "value_moves", _Q, "far from last month's number", "key value previous"
    ALL_ZERO = "all_zero", _Q, "nothing at all, where there is usually something", "usual"
    ITEM_UNUSUAL = "item_unusual", _Q, "a method that this type of facility does not offer", "key item facility_type"
    CAP_EXCEEDED = "cap_exceeded", _Q, "more than a facility of this type can have", "key value most"
    UNIT_DOUBTFUL = "unit_doubtful", _Q, "a number that looks like pieces where dozens are counted", "key value"
    SAME_AS_LAST = "same_as_last", _W, "every number equals last month's", "period"
    STOCK_EXPIRED = "stock_expired", _W, "stock past its expiry", "key expires"
    STOCK_EXPIRING = "stock_expiring", _W, "stock that expires within months", "key expires months"
