"""The tables, one for each site: all cases in the order in which they run and are printed."""

from __future__ import annotations

from tests.conformance import (
    cases_accel,
    cases_client_facts,
    cases_connection,
    cases_error_pages,
    cases_fallback,
    cases_hosts,
    cases_peer_suites,
    cases_redirect,
    cases_redirect_ends,
    cases_redirect_fields,
    cases_request_body,
    cases_request_chunks,
    cases_request_fields,
    cases_response_body,
    cases_response_failures,
    cases_response_head,
    cases_response_streams,
    cases_rewriting,
    cases_routes,
    cases_sendfile,
    cases_sendfile_conditions,
    cases_sendfile_names,
    cases_sendfile_ranges,
    cases_sendfile_refused,
    cases_status,
    cases_targets,
    cases_variables,
)
from tests.conformance.case import Case

FORWARDING: tuple[Case, ...] = (
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
STEPS: tuple[Case, ...] = (
    *cases_routes.CASES,
    *cases_redirect.CASES,
    *cases_redirect_fields.CASES,
    *cases_redirect_ends.CASES,
    *cases_sendfile.CASES,
    *cases_sendfile_names.CASES,
    *cases_sendfile_refused.CASES,
    *cases_sendfile_ranges.CASES,
    *cases_sendfile_conditions.CASES,
    *cases_accel.CASES,
    *cases_rewriting.CASES,
    *cases_error_pages.CASES,
    *cases_client_facts.CASES,
)
FALLBACK: tuple[Case, ...] = cases_fallback.CASES
CASES = (*FORWARDING, *STEPS, *FALLBACK)
