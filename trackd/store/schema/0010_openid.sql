-- Other sites where users log in by this server (OpenID Connect).

-- The key that signs what is said of users; made when it is needed first. One for all servers on the database.
CREATE TABLE signing_keys (
    id integer PRIMARY KEY CHECK (id = 1),
    pem text NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
-- Users on their way to a site: what the site gets for its code, once. SHA-256, as of tokens.
CREATE TABLE grants (
    digest bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id text NOT NULL,
    redirect_uri text NOT NULL,
    scope text NOT NULL,
    nonce text,
    challenge text,
    method text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX grants_expires ON grants (expires);
