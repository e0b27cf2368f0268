"""The table: all cases in the order in which they run and are printed."""

from __future__ import annotations

from tests.conformance import (
    cases_connection,
    cases_hosts,
    cases_peer_suites,
    cases_request_body,
    cases_request_chunks,
    cases_request_fields,
    cases_response_body,
    cases_response_failures,
    cases_response_head,
    cases_response_streams,
    cases_status,
    cases_targets,
    cases_variables,
)
from tests.conformance.case import Case

CASES: tuple[Case, ...] = (
    *cases_variables.CASES,
    *cases_request_fields.CASES,
    *cases_targets.CASES,
    *cases_hosts.CASES,
    *cases_request_body.CASES,
    *cases_request_chunks.CASES,
    *cases_response_head.CASES,
    *cases_response_failures.CASES,
    *cases_status.CASES,
    *cases_response_body.CASES,
    *cases_response_streams.CASES,
    *cases_connection.CASES,
    *cases_peer_suites.CASES,
)
