"""Sign and check what leaves the collector under its own key: short access tokens, and security events (ES256).

Nothing is stored: whoever knows the public keys at `/.well-known/jwks.json` can check a signature.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

_ALGORITHM = "ES256"
_ORDER_ISH = 2**255  # a scalar below this is below the order of P-256


class Signer:
    """Hold one P-256 key. `kid` names it, and follows from the public key."""

    def __init__(self, scalar: bytes = b"") -> None:
        """Take the key's scalar, 32 bytes; make one for this process alone where there is none."""
        number = int.from_bytes(scalar or secrets.token_bytes(32)) % _ORDER_ISH or 1
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        self._jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        self.kid = hashlib.sha256((self._jwk["x"] + self._jwk["y"]).encode()).hexdigest()[:16]

    @property
    def issuer(self) -> str:
        """Return the name under which this installation signs."""
        return f"urn:seawall:{self.kid}"

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [{**self._jwk, "kid": self.kid, "use": "sig", "alg": _ALGORITHM}]}

    def sign(self, claims: Mapping[str, Any], kind: str, now: datetime) -> str:
        """Return a compact JWS with these claims, the issuer and the time. `kind` is the header's `typ`."""
        body = {"iss": self.issuer, "iat": int(now.timestamp()), **claims}
        return jwt.encode(body, self._key, algorithm=_ALGORITHM, headers={"typ": kind, "kid": self.kid})

    def read(self, token: str, kind: str, audience: str, now: datetime) -> dict[str, Any] | None:
        """Return the claims of a token that we signed for this purpose and that has not run out, or nothing."""
        try:
            if jwt.get_unverified_header(token).get("typ") != kind:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=self.issuer,
                options={"require": ["exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return None
        expires = claims["exp"]
        return claims if isinstance(expires, int) and now.timestamp() < expires else None
