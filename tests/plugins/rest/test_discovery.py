"""What programs find under `/.well-known`."""

from __future__ import annotations

from tests.rest.house import HouseTestCase


class DiscoveryTests(HouseTestCase):
    async def test_found(self) -> None:
        """Where to log in, with and without the issuer's path, for whoever asks; other pages are not there."""
        issuer = "https://gps.example.org/api/oidc"
        below = "/.well-known/openid-configuration"
        for path in (below, f"{below}/api/oidc", f"/api/oidc{below}"):
            answer = await self.call("GET", path)
            self.assertEqual((200, "application/json"), (answer.status, answer.header("Content-Type")))
            self.assertEqual(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{issuer}/authorize",
                    "token_endpoint": f"{issuer}/token",
                    "userinfo_endpoint": f"{issuer}/userinfo",
                    "jwks_uri": f"{issuer}/jwks",
                    "subject_types_supported": ["public"],
                    "response_types_supported": ["code"],
                    "grant_types_supported": ["authorization_code"],
                    "scopes_supported": ["openid", "profile", "email"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                    "code_challenge_methods_supported": ["S256", "plain"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
                },
                answer.value,
            )
        answer = await self.call("GET", "/.well-known/oauth-authorization-server/api/oidc")
        self.assertEqual({"userinfo", "subject"} & {name.split("_")[0] for name in answer.value}, set())
        self.assertEqual(404, (await self.call("GET", "/.well-known/security.txt")).status)
