"""Reasons that several groups of cases share."""

APACHE_411 = "Apache answers 411 to every chunked request, after it connected."
