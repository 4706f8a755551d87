"""Sending e-mail by Amazon SES: one message, one call, and whether it was taken, not taken yet, or never will be."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from early_results.telling.letters import Letter

from .errors import NotSentYet, OutsideError, WillNotBeSent

_BAD_ADDRESS = "BadRequestException"
_SERVER = 500


class Post:
    """The sender of a deployment: its address and the configuration set that watches over bounces."""

    def __init__(self, client: Any, sender: str, configuration_set: str) -> None:
        self._client = client
        self._sender = sender
        self._set = configuration_set

    def send(self, to: str, letter: Letter) -> None:
        """Sends one e-mail.

        NotSentYet if SES did not take it now, and may later: it was not sent. WillNotBeSent if SES says that nobody
        can be written to at such an address. Any other OutsideError: it may have been sent.
        """
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": letter.subject, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": letter.text, "Charset": "UTF-8"}},
                    }
                },
                ConfigurationSetName=self._set,
            )
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise NotSentYet("SES was not reached") from error
        except ClientError as error:
            if error.response["Error"]["Code"] == _BAD_ADDRESS:
                raise WillNotBeSent("SES takes no message for this address") from error
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < _SERVER:
                raise NotSentYet("SES did not take the message") from error  # a rate, a quota, a sender not verified
            raise OutsideError("SES failed, and may have sent the message") from error
        except Exception as error:
            raise OutsideError("no answer came from SES, and it may have sent the message") from error
