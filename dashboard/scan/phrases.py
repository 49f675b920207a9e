"""The texts of the page and its scripts in the reader's language. A browser gets the table of them with the page."""

from __future__ import annotations

from dashboard.language.texts import lazy, marked, tr

_PAGE = marked(
    (
        "Scan", "Back to Stock", "Stock", "Connecting", "Sound", "Light or dark", "Keys and help", "Keys and help (?)",
        "Last scan", "Camera", "Point at one barcode. To take the same one again, move away and back.", "Ready",
        "Scan a code, or choose a variant below.", "Not posted",
        "These scans changed nothing. Each stays here until you act on it.", "Scans", "No scan yet on this page.",
        "Variants", "Search variants", "Search name, SKU, size", "Reason", "Note", "Delivery",
        "Number of the delivery note, if any", "Delivery note no.", "Count", "Undo", "Units per scan", "One unit less",
        "Units per scan, open the number pad", "One unit more", "Photo", "Code or SKU", "Scan or type a code",
        "Keyboard on the screen", "Enter", "What a scan does", "Look up", "Adjust", "Receive", "Cancel", "Set",
        "Attach this code to a variant", "Find the variant by SKU or name", "What kind of code is it?",
        "Units in a carton", "Attach and post", "Continue", "Keys", "Scanner",
        "works anywhere on this page, ended by Enter or Tab", "undo the last scan (then wait a moment, or Enter)",
        "3 units per scan", "takes 3 away", "look up, adjust, receive, count", "this list",
        "Scans are kept on this device until the server answers, even if the connection is lost or the tab closed.",
        "Close", "The scan station needs JavaScript.",
    )
)  # fmt: skip
_SCRIPTS = marked(
    (
        "{units} counted", "{units} of {expected} expected", "{units} arrived, not expected", ", {units} held",
        "{units} on hand", "Kept on this device. It is posted when the server answers.", "Size {size}", "Undone.",
        "{units} on hand.", "This code is a carton of {units}.", "This variant is inactive.", "{count} waiting",
        "Take away: {name}", ", {count} kept", "Connected", "Not connected", "Signed out", "Paused",
        "Your role cannot do this. The warehouse, a manager or an admin can.", "None: post at once",
        "Choose a reason first.", "“{reason}” needs a note. Write it once, then scan.",
        "No count is open. Start one on the Counts page.", "Plus or minus", "Delete the last digit",
        "No variant has these words.",
        "The server cannot be reached. The scan stays on the list; attach its code later.",
        "Your session has ended. Sign in again.", "The server cannot be reached. Try again.",
        "Another person is signed in now, so this scan was not kept. Continue, then scan again.",
        "The server has not said yet who is signed in, so this scan was not kept. Scan again when connected.",
        "This code has more than {most} characters, so it is no code of a variant. It was not kept.",
        "This device could not keep the scan, so it was not posted. Reload the page, then scan again.", "Undo {label}",
        "1 scan by {name}", "{count} scans by {name}",
        "{scans} still wait on this device. They are posted when that person signs in here.", "Try again", "Dismiss",
        "Attach code",
        "Your session has ended. Your scans are kept on this device, and posted when you are signed in. ",
        "Sign in again", "A newer version of this page is available. ", "Load it", "{name} is signed in now",
        "Scans by {before} that are not posted yet wait for {before}. From here on, scans are posted as {name}.",
        "Continue as {name}",
        "The number of units was not set yet, so this scan was not kept. Set it, then scan again.",
        "The camera is not allowed on this page. Allow it in the browser, or take a photo.",
        "The camera cannot be opened. Take a photo instead.",
        "There are several codes in this photo. Take one code only.",
        "No code was found in this photo. Go closer, with more light.",
        "This browser does not store anything. Scans that are not posted yet are lost when this page is closed.",
    )
)  # fmt: skip
_SHORT = lazy({"done": "done", "refused": "refused", "waiting": "waiting", "Add: {name}": "Add: {name}"})


def table() -> dict[str, str]:
    """Return every text by its English: those of `page.html` in double square brackets, and those that scripts say."""
    return {text: tr(text) for text in (*_PAGE, *_SCRIPTS)} | dict(_SHORT.items())
