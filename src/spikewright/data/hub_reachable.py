"""Whether the Hugging Face hub answers, asked once and quickly: its own client retries for half a minute."""

import os
import ssl
import threading
import urllib.error
import urllib.request

SECONDS = 5.0


def hub_answers() -> bool:
    """Tell within seconds whether the hub can be reached; True where its client's own cache was asked for."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return True
    answered = threading.Event()

    def ask() -> None:
        # urllib honours the proxy settings of the environment, as the hub's client does
        request = urllib.request.Request(os.environ.get("HF_ENDPOINT", "https://huggingface.co"), method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=SECONDS).close()
        except urllib.error.HTTPError:
            pass  # an answer, if a rude one
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ssl.SSLError):
                return  # a certificate that only the hub's client knows still means that somebody answered
        except OSError:
            return
        answered.set()

    # in a thread, because looking up a name has no time limit of its own
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return answered.is_set()
