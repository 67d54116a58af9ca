-- Commands that are to go out at once by way of another server, which has the device: whoever has put one into the
-- queue waits for what becomes of it.

ALTER TABLE queued_commands ADD direct boolean NOT NULL DEFAULT false;

CREATE FUNCTION tell_direct() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_notify('changes', concat_ws(' ', 'direct', NEW.device_id, NEW.id));
    ELSE
        PERFORM pg_notify('changes', concat_ws(' ', 'answered', OLD.id,
            CASE WHEN TG_OP = 'DELETE' THEN 'sent' WHEN NEW.failure IS NOT NULL THEN 'failed' ELSE 'waits' END));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_direct AFTER INSERT ON queued_commands FOR EACH ROW WHEN (NEW.direct)
    EXECUTE FUNCTION tell_direct();
CREATE TRIGGER tell_answered AFTER UPDATE OR DELETE ON queued_commands FOR EACH ROW WHEN (OLD.direct)
    EXECUTE FUNCTION tell_direct();
