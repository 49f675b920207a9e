"""Files as people have them: any format, delimiter and encoding becomes rows of our fields. Pure reading and writing.

    sheet = open_sheet(content, "stock.xlsx")                 # header and rows of text, with their lines
    found = match(sheet, FIELDS, chosen={"sku": "Art-Nr"})    # our field -> their column, and the questions left
    rows = read(found, {"decimal": "comma"})                  # values by field, and every problem

`found.questions` are for a person; `found.is_settled` says that nothing is left to ask. Nothing here touches a
database.

Uses: foundation.
"""

from core.sheets.alone import Choices as Choices
from core.sheets.alone import match_alone as match_alone
from core.sheets.matching import fingerprint as fingerprint
from core.sheets.matching import match as match
from core.sheets.model import Field as Field
from core.sheets.model import Kind as Kind
from core.sheets.model import Match as Match
from core.sheets.model import Question as Question
from core.sheets.model import ReadFile as ReadFile
from core.sheets.model import ReadRow as ReadRow
from core.sheets.model import Sheet as Sheet
from core.sheets.opening import open_sheet as open_sheet
from core.sheets.reading import read as read
from core.sheets.writing import Format as Format
from core.sheets.writing import template as template
