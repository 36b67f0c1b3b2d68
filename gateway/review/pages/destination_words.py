"""What comes of trying a destination, and what is wrong with a mapping, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.channels import reach
from gateway.export.dhis2 import knock
from gateway.export.dhis2.check import Flaw
from gateway.export.dhis2.mapping_rows import RowFault, Wrong
from gateway.review.pages.language import mark, translate

ADDRESS_FAULTS: Mapping[str, str] = {
    reach.ADDRESS: mark("This is no address. Write it as the browser shows it: https://dhis2.example.go.id"),
    reach.SCHEME: mark(
        "The address must begin with https://. For a server in the office's own network the operator can allow http."
    ),
    reach.LOGIN: mark("There must be no user and no password in the address."),
    reach.NUMBER: mark("Write the server's name, or its IP address as four numbers with dots."),
    reach.PRIVATE: mark(
        "This address lies in a private network. The operator must allow it first (KABAR_PRIVATE_HOSTS)."
    ),
}
KNOCKS: Mapping[str, str] = {
    **ADDRESS_FAULTS,
    knock.GOOD: mark("The connection works: a DHIS2 answered, it knows us, and we may write there."),
    knock.NAME: mark("Nobody knows this server's name. Look whether the address is written right."),
    knock.CONNECT: mark(
        "The server cannot be reached. It may be off, or a firewall is between; try again later or ask its operator."
    ),
    knock.CERTIFICATE: mark(
        "The server's certificate is not good, so nothing was sent. Its operator must renew it; we never skip this."
    ),
    knock.SILENT: mark("The server did not answer in time. Try again; if it stays so, ask its operator."),
    knock.LOGIN: mark(
        "The server does not accept the token or the password. It may be wrong, run out or locked; make a new one."
    ),
    knock.FORBIDDEN: mark("The server knows this user and forbids the call. Ask its operator for rights to the API."),
    knock.MOVED: mark(
        "The server sends us to another page, most often to sign in. Check the address, also the part after the name."
    ),
    knock.NOT_DHIS2: mark(
        "What answers there is no DHIS2: perhaps a page of the network, or a part of the address is missing."
    ),
    knock.THEIRS: mark("The server has a fault of its own now. Try again later."),
    knock.NO_RIGHT: mark("This user may not write data. The operator of the DHIS2 must give it F_DATAVALUE_ADD."),
    knock.NO_UNIT: mark(
        "This user belongs to no org unit there, so it may write nowhere. Its operator must assign it."
    ),
}
WRONGS: Mapping[Wrong, str] = {
    Wrong.NO_SHEET: mark("This sheet is not there. Start from the downloaded file and keep its sheets' names."),
    Wrong.NO_COLUMN: mark("These columns are not there: %(about)s. Start from the downloaded file."),
    Wrong.NO_DATA_SET: mark("The data set's code is missing: write it beside “data set”."),
    Wrong.SCHEME: mark("“%(about)s” is no scheme of codes. Write CODE, UID, or attribute: and its UID."),
    Wrong.UNIT_BY: mark("“%(about)s” is not known here. Write: kode faskes, kode kemenkes, or uid dhis2."),
    Wrong.UNKNOWN_KEY: mark("%(about)s is no figure of this form. Keys are not to be changed."),
    Wrong.KEY_TWICE: mark("%(about)s stands in two rows. Take one of them out."),
    Wrong.BOTH: mark("%(about)s has a data element and is not sent as well. Take one of the two out."),
    Wrong.NO_ELEMENT: mark("%(about)s has a combo and no data element. Write the data element."),
    Wrong.YES_OR_NO: mark("%(about)s: under “tidak dikirim” write ya, or leave it empty."),
    Wrong.CODE: mark("%(about)s: this is no code of the chosen scheme. A UID has 11 letters and digits."),
    Wrong.SHARED: mark("%(about)s go to one cell, where they would count twice. Give each its own."),
    Wrong.UNKNOWN_FACILITY: mark("%(about)s is no facility of this area. Look up its code under Facilities."),
    Wrong.FACILITY_TWICE: mark("%(about)s stands in two rows. Take one of them out."),
    Wrong.UNIT_TWICE: mark("%(about)s go to one org unit, where one would overwrite the other."),
}
FLAWS: Mapping[Flaw, tuple[str, str]] = {
    Flaw.NO_SET: (
        mark("The data set is not there, or we may not see it"),
        mark("Correct its code on the sheet sasaran, or have the DHIS2's operator share it with our user."),
    ),
    Flaw.NOT_MONTHLY: (
        mark("The data set is not monthly"),
        mark("Choose a data set whose period type is Monthly; our reports are of one month."),
    ),
    Flaw.NO_RIGHT: (
        mark("Our user may not write data"),
        mark("The DHIS2's operator must give it F_DATAVALUE_ADD."),
    ),
    Flaw.NO_ELEMENT: (
        mark("Data elements that are not there"),
        mark("Correct the code in the mapping, or have the data element made in the DHIS2."),
    ),
    Flaw.NOT_IN_SET: (
        mark("Data elements that are not in the data set"),
        mark("Have the DHIS2's operator add them to the data set, or choose others."),
    ),
    Flaw.NO_COMBO: (
        mark("Category option combos that their data element does not have"),
        mark("Correct the code in the mapping. An empty one means default."),
    ),
    Flaw.NO_ATTRIBUTE: (
        mark("Attribute option combos that the data set does not have"),
        mark("Correct the code in the mapping. An empty one means default."),
    ),
    Flaw.VALUE_TYPE: (
        mark("Data elements that do not take a count from 0 on"),
        mark("Have their value type changed to zero or positive integer, or choose others."),
    ),
    Flaw.UNMAPPED: (
        mark("Figures that have no cell yet"),
        mark("A report that holds one is refused. Give each a cell, or write ya under tidak dikirim."),
    ),
    Flaw.NO_CODE: (
        mark("Facilities without a code for their org unit"),
        mark("Write it on the sheet faskes, or in the facility's own record."),
    ),
    Flaw.NO_UNIT: (
        mark("Org units that are not there, or that we may not see"),
        mark("Correct the code on the sheet faskes, or have the org unit made."),
    ),
    Flaw.UNASSIGNED: (
        mark("Facilities that the data set is not assigned to"),
        mark("Have the DHIS2's operator assign them to the data set."),
    ),
    Flaw.OUTSIDE: (
        mark("Facilities outside our user's org units"),
        mark("Have the DHIS2's operator give our user a wider org unit."),
    ),
    Flaw.CLOSED: (
        mark("The month is closed there"),
        mark("It could be sent until the day shown. Ask the DHIS2's operator to open it, or send sooner."),
    ),
    Flaw.NOT_OPEN: (
        mark("The month is not open there yet"),
        mark("It opens once the month is over."),
    ),
    Flaw.DROPS_ZERO: (
        mark("Data elements that drop a zero"),
        mark("Have “store zero data values” set, or a reported 0 vanishes in a DHIS2 before 2.43."),
    ),
    Flaw.UNCHECKED: (
        mark("Facilities that were not looked at"),
        mark("There are too many for one check. Each is checked again when it is sent."),
    ),
}


def say_row_fault(fault: RowFault) -> str:
    """Return what is wrong with a row, in the page's language."""
    return translate(WRONGS[fault.wrong]) % {"about": fault.about}
