"""A client that uses the service as its users do: with Cognito, the API of DESIGN 8, presigned posts and links.

The demonstration and the tests on the stack drive the service with it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import boto3
import urllib3
from botocore import UNSIGNED
from botocore.config import Config

from infra.local.stack import Stack

FINAL = frozenset({"SUCCESSFUL", "UPLOAD_ERROR", "OVERWRITTEN", "PROCESSING", "DELETED"})
_http = urllib3.PoolManager(maxsize=64, retries=False, timeout=urllib3.Timeout(connect=5, read=60))


class Refused(RuntimeError):
    """The service answered with a problem. `status` and `body` are its answer's."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"the service answered {status}: {body}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered: the status, the headers, and the body as it came."""

    status: int
    headers: dict[str, str]
    data: bytes

    def json(self) -> Any:
        """The body as JSON, None if it is empty."""
        return json.loads(self.data) if self.data else None


class PortalClient:
    """One signed-in user (or, without a token, nobody)."""

    def __init__(self, api_url: str, token: str | None = None) -> None:
        self.api_url = api_url
        self.token = token

    @classmethod
    def sign_in(
        cls, api_url: str, endpoint: str, region: str, client_id: str, email: str, password: str
    ) -> PortalClient:
        """Signs in with USER_PASSWORD_AUTH, which the local app client allows."""
        cognito = boto3.client(
            "cognito-idp", endpoint_url=endpoint, region_name=region, config=Config(signature_version=UNSIGNED)
        )
        answer = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=client_id,
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        return cls(api_url, answer["AuthenticationResult"]["AccessToken"])

    @classmethod
    def of(cls, stack: Stack, email: str, password: str) -> PortalClient:
        """Signs a user of a local stack in."""
        pool = stack.outputs["UserPoolClientId"]
        return cls.sign_in(stack.api_url, stack.endpoint, stack.region, pool, email, password)

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        """One request. Gives the answer, whatever its status."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        asked = {name: value for name, value in query.items() if value is not None}
        url = f"{self.api_url}{path}" + (f"?{urlencode(asked)}" if asked else "")
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        answer = _http.request(method, url, body=data, headers=headers)
        return Answer(answer.status, dict(answer.headers.items()), answer.data)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON under a path. Refused if it is not given."""
        return self._good(self.request("GET", path, **query)).json()

    def template(self, service: str, school: str) -> bytes:
        """A school's template. Refused if it is not given."""
        return self._good(self.request("GET", f"/services/{service}/template", school=school)).data

    def forms(self, service: str, files: dict[str, bytes]) -> list[dict[str, Any]]:
        """Upload forms for files by name. Refused if none are issued."""
        wanted = [{"name": name, "size": len(data)} for name, data in files.items()]
        answer = self.request("POST", "/uploads", {"service": service, "files": wanted})
        forms: list[dict[str, Any]] = self._good(answer).json()
        return forms

    def upload(self, service: str, name: str, data: bytes) -> str:
        """Uploads one file and gives its upload id, without waiting for the verdict."""
        form = self.forms(service, {name: data})[0]
        status = post_form(form["post"], data)
        if status != 204:
            raise Refused(status, "the presigned post")
        return str(form["upload_id"])

    def verdict(self, upload_id: str, seconds: float = 240) -> dict[str, Any]:
        """An upload once its check has ended, or as it is when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            upload: dict[str, Any] = self.get(f"/uploads/{upload_id}")
            if upload["status"] in FINAL or time.monotonic() > deadline:
                return upload
            time.sleep(0.1)

    def delete(self, upload_id: str) -> None:
        """Deletes an upload. Refused if that may not be."""
        self._good(self.request("DELETE", f"/uploads/{upload_id}"))

    def follow(self, path: str, **query: Any) -> bytes:
        """The bytes behind the short-lived link that a path gives.

        Refused if there is no link, or nothing behind it.
        """
        link = self.get(path, **query)["url"]
        answer = _http.request("GET", link)
        if answer.status != 200:
            raise Refused(answer.status, "the link")
        return answer.data

    @staticmethod
    def _good(answer: Answer) -> Answer:
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, answer.json())
        return answer


def post_form(form: dict[str, Any], data: bytes) -> int:
    """Posts a file with a presigned form, as a browser does; gives S3's status: 204 if it was taken."""
    fields: dict[str, Any] = dict(form["fields"])
    fields["file"] = ("file.xlsx", data)
    body, content_type = urllib3.encode_multipart_formdata(fields)
    answer = _http.request("POST", form["url"], body=body, headers={"Content-Type": content_type})
    return answer.status
