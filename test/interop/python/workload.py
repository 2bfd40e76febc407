# SPDX-License-Identifier: Apache-2.0
"""A workload written with the Python package `spiffe`. Prints one JSON object a line for the test that started it:

    workload.py fetch       the X.509 context once
    workload.py bundles     FetchX509Bundles once
    workload.py jwt AUDIENCE N   tokens until N keys signed one, each verified here and by the daemon
    workload.py follow N    every update of an X509Source until N serials were seen

Each SVID is verified against its own trust domain's bundle by `cryptography`, a verifier that neither the package nor
the daemon shares. The socket comes from SPIFFE_ENDPOINT_SOCKET.
"""

import base64
import datetime
import json
import queue
import sys
import time

from cryptography.x509.verification import PolicyBuilder, Store
from spiffe import JwtSource, JwtSvid, TrustDomain, WorkloadApiClient, X509Source


def say(**what):
    print(json.dumps(what), flush=True)


def verified(svid, bundle_set):
    """The SVID as JSON, after its chain was built to an anchor of its own trust domain."""
    bundle = bundle_set.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)
    now = datetime.datetime.now(datetime.timezone.utc)
    policy = PolicyBuilder().store(Store(list(bundle.x509_authorities))).time(now)
    result = policy.build_client_verifier().verify(svid.leaf, svid.cert_chain[1:])
    names = sorted(name.value for name in result.subjects)
    return {
        "id": str(svid.spiffe_id),
        "serial": format(svid.leaf.serial_number, "x"),
        "names": names,
        "depth": len(result.chain),
    }


def anchors(bundle_set):
    return {bundle.trust_domain.name: len(bundle.x509_authorities) for bundle in bundle_set.bundles}


def say_context(event, svids, bundle_set):
    say(event=event, svids=[verified(svid, bundle_set) for svid in svids], bundles=anchors(bundle_set))


def fetch():
    with WorkloadApiClient() as client:
        context = client.fetch_x509_context(timeout=20)
        say_context("fetched", context.x509_svids, context.x509_bundle_set)


def bundles():
    with WorkloadApiClient() as client:
        say(event="bundles", bundles=anchors(client.fetch_x509_bundles(timeout=20)))


def follow(want):
    changed = queue.Queue()
    with X509Source(timeout_in_seconds=60) as source:
        source.subscribe_for_updates(lambda: changed.put(None))
        serials = set()
        while True:
            context = source.get_x509_context()
            say_context("update", context.x509_svids, context.x509_bundle_set)
            serials.add(context.default_svid.leaf.serial_number)
            if len(serials) >= want:
                break
            changed.get(timeout=120)
        say(event="done", serials=len(serials))


def jwt(audience, want):
    keys = set()
    with JwtSource(timeout_in_seconds=60) as source, WorkloadApiClient() as client:
        while len(keys) < want:
            token = client.fetch_jwt_svid(audience={audience}).token
            bundle = source.get_bundle_for_trust_domain(TrustDomain("example.org"))
            offline = JwtSvid.parse_and_validate(token, bundle, {audience})
            online = client.validate_jwt_svid(token, audience)
            kid = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
            keys.add(kid)
            say(event="token", id=str(offline.spiffe_id), online=str(online.spiffe_id), audience=sorted(offline.audience))
            time.sleep(0.25)
        say(event="done", keys=len(keys))


def main(args):
    if args == ["fetch"]:
        fetch()
    elif args == ["bundles"]:
        bundles()
    elif len(args) == 3 and args[0] == "jwt":
        jwt(args[1], int(args[2]))
    elif len(args) == 2 and args[0] == "follow":
        follow(int(args[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as error:  # pylint: disable=broad-except
        say(event="error", error=f"{type(error).__name__}: {error}")
        sys.exit(1)
