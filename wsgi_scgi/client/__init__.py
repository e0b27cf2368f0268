"""The client half alone: SCGI servers from any Python program, with and without gevent."""

from .request import Answer, AnswerBody, request
from .xmlrpc import XMLRPCTransport

__all__ = ["Answer", "AnswerBody", "XMLRPCTransport", "request"]
