-- The servers on this database, and which of them has which device.

CREATE TABLE nodes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,     -- made of its host and its data folder
    place text NOT NULL,           -- these two, for people
    started timestamptz NOT NULL DEFAULT now(),
    seen timestamptz               -- its last sign of life; none: it has stopped, or was found dead
);

-- The server that has the device, and how often it has changed hands: what another has found out of it before is void.
ALTER TABLE device_states ADD node_id bigint, ADD epoch bigint NOT NULL DEFAULT 0;

-- Called where a server writes of a device that is not its own any more: nothing of the transaction is done.
CREATE FUNCTION claim_lost(device bigint) RETURNS varchar LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'another server has device %', device USING ERRCODE = 'TD001';
END $$;
