"""A Python agent whose state is kept by Chatkeep. Standard library only.

    CHATKEEP_URL=http://localhost:8787 python3 examples/agent.py user-123 "My tap drips"
"""

import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("CHATKEEP_URL", "http://localhost:8787")
KEY = os.environ.get("CHATKEEP_API_KEY")


def call(method, path, body=None, headers=None):
    """One request. Gives the status, the ETag and the JSON body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"content-type": "application/json", **(headers or {})}, method=method)
    if KEY:
        request.add_header("X-API-Key", KEY)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers.get("etag"), json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None, json.load(error)


class Session:
    """An agent's state under an id, such as `user-123`: created once, whoever asks first, and written only over what was read."""

    def __init__(self, session_id, initial):
        self.path = f"/v1/sessions/{session_id}/state"
        status, self.etag, _ = call("PUT", self.path, initial, {"If-None-Match": "*"})
        self.state = initial
        if status == 412:  # it was there
            _, self.etag, self.state = call("GET", self.path)

    def update(self, change):
        """Applies a change, on the newest state when somebody else wrote meanwhile."""
        while True:
            changed = change(dict(self.state))
            status, etag, problem = call("PUT", self.path, changed, {"If-Match": self.etag})
            if status == 200:
                self.etag, self.state = etag, changed
                return changed
            if status != 412:
                raise RuntimeError(problem)
            _, self.etag, self.state = call("GET", self.path)


def main(session_id, message):
    session = Session(session_id, {"state": "new_problem", "current_attempt": 0, "conversation_history": []})

    def attempt(state):
        state["current_attempt"] += 1
        state["state"] = "solving"
        state["conversation_history"] = [*state["conversation_history"], message]
        return state

    print(json.dumps(session.update(attempt), ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
