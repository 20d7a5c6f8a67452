"""Answers of the REST API: JSON, nothing, or an error in Discord's form."""

from aiohttp import web

from worker.sandbox.wire import dumps


class ApiError(Exception):
    """A refusal. Codes: Discord's developer documentation, "Opcodes and Status Codes", "JSON"."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


UNAUTHORIZED = ApiError(401, 0, "401: Unauthorized")
UNKNOWN_CHANNEL = ApiError(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = ApiError(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = ApiError(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = ApiError(404, 10008, "Unknown Message")
UNKNOWN_WEBHOOK = ApiError(404, 10015, "Unknown Webhook")
WRONG_APPLICATION = ApiError(403, 20012, "You are not authorized to perform this action on this application")
INVALID_WEBHOOK_TOKEN = ApiError(401, 50027, "Invalid Webhook Token")
UNKNOWN_INTERACTION = ApiError(404, 10062, "Unknown interaction")
MISSING_ACCESS = ApiError(403, 50001, "Missing Access")
NOT_THE_AUTHOR = ApiError(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = ApiError(400, 50006, "Cannot send an empty message")
MISSING_PERMISSIONS = ApiError(403, 50013, "Missing Permissions")
WRONG_CHANNEL_TYPE = ApiError(400, 50024, "Cannot execute action on this channel type")
TOO_OLD = ApiError(400, 50034, "You can only bulk delete messages that are under 14 days old.")
ALREADY_ANSWERED = ApiError(400, 40060, "Interaction has already been acknowledged.")


def invalid_form(reason: str) -> ApiError:
    return ApiError(400, 50035, f"Invalid Form Body: {reason}")


def json_answer(value: object, status: int = 200) -> web.Response:
    """The content type is exactly application/json: clients hand on a body with a charset beside it as text."""
    return web.Response(status=status, body=dumps(value).encode(), headers={"Content-Type": "application/json"})


def no_content() -> web.Response:
    return web.Response(status=204)


def refusal(error: ApiError) -> web.Response:
    return json_answer({"message": error.message, "code": error.code}, error.status)
