"""Reads what sslscan and sslyze found; exits 1 unless it is TLS 1.2 and 1.3 with AEAD suites and
forward secrecy only, and no known hole. Usage: tls_verdict.py SSLSCAN_XML SSLYZE_JSON
"""

import json
import sys
import xml.etree.ElementTree as xml

PROTOCOLS = {"TLSv1.2", "TLSv1.3"}
weak = []


def check_suite(who, protocol, suite):
    is_aead = "GCM" in suite or "POLY1305" in suite
    has_secrecy = "ECDHE" in suite or suite.startswith("TLS_AES") or suite.startswith("TLS_CHACHA20")
    if protocol not in PROTOCOLS or not is_aead or not has_secrecy:
        weak.append(f"{who}: {protocol} {suite}")


def sslscan(file):
    test = xml.parse(file).getroot().find("ssltest")
    for protocol in test.iter("protocol"):
        name = f"{protocol.get('type').upper()}v{protocol.get('version')}"
        if protocol.get("enabled") == "1" and name not in PROTOCOLS:
            weak.append(f"sslscan: {name} is spoken")
    suites = list(test.iter("cipher"))
    for suite in suites:
        check_suite("sslscan", suite.get("sslversion"), suite.get("cipher"))
        if suite.get("strength") not in ("strong", "acceptable"):
            weak.append(f"sslscan: {suite.get('cipher')} is {suite.get('strength')}")
    for hole in test.iter("heartbleed"):
        if hole.get("vulnerable") != "0":
            weak.append(f"sslscan: heartbleed over {hole.get('sslversion')}")
    if any(compression.get("supported") != "0" for compression in test.iter("compression")):
        weak.append("sslscan: compression")
    return len(suites)


def result(scan, name):
    attempt = scan[name]
    if attempt["status"] != "COMPLETED":
        weak.append(f"sslyze: {name} is {attempt['status']}")
        return {}
    return attempt["result"]


def sslyze(file):
    (server,) = json.load(open(file))["server_scan_results"]
    scan = server["scan_result"]
    count = 0
    for key, protocol in (
        ("ssl_2_0", "SSLv2"),
        ("ssl_3_0", "SSLv3"),
        ("tls_1_0", "TLSv1.0"),
        ("tls_1_1", "TLSv1.1"),
        ("tls_1_2", "TLSv1.2"),
        ("tls_1_3", "TLSv1.3"),
    ):
        for accepted in result(scan, f"{key}_cipher_suites").get("accepted_cipher_suites", []):
            check_suite("sslyze", protocol, accepted["cipher_suite"]["name"])
            count += 1
    holes = {
        "heartbleed": ("is_vulnerable_to_heartbleed", False),
        "openssl_ccs_injection": ("is_vulnerable_to_ccs_injection", False),
        "tls_compression": ("supports_compression", False),
        "session_renegotiation": ("is_vulnerable_to_client_renegotiation_dos", False),
    }
    for name, (field, good) in holes.items():
        if result(scan, name).get(field) != good:
            weak.append(f"sslyze: {name}: {field}")
    if not result(scan, "robot").get("robot_result", "").startswith("NOT_VULNERABLE"):
        weak.append("sslyze: robot")
    return count


counts = sslscan(sys.argv[1]), sslyze(sys.argv[2])
print(f"sslscan found {counts[0]} suites, sslyze {counts[1]}; weak: {weak or 'none'}")
sys.exit(0 if min(counts) > 0 and not weak else 1)
