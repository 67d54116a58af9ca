-- Clients that show a field for the login send an empty text for the many who have none.

DROP INDEX users_login;
CREATE UNIQUE INDEX users_login ON users (lower(login)) WHERE deleted_at IS NULL AND login <> '';
