"""Certificates: read once, and still asked of everybody."""

import ssl

from gateways.certificates import known_certificates


def test_they_are_read_once_and_asked_of_every_host_by_its_name():
    context = known_certificates()

    assert known_certificates() is context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 0
