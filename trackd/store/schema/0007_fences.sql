-- Servers that have devices in memory are told when the geofences of a device are others: "fences <device>", or, of those
-- that a group lends, "lent <group>". They know areas and altitudes; name and description are nothing to them.

CREATE FUNCTION tell_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('changes', concat_ws(' ', 'fences', device_id)) FROM device_geofence WHERE geofence_id = NEW.id;
    PERFORM pg_notify('changes', concat_ws(' ', 'lent', group_id)) FROM group_geofence WHERE geofence_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER UPDATE OF area, attributes, deleted_at ON geofences FOR EACH ROW
    EXECUTE FUNCTION tell_fence();

CREATE FUNCTION tell_fenced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
BEGIN
    changed := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    IF TG_TABLE_NAME = 'device_geofence' THEN
        PERFORM pg_notify('changes', concat_ws(' ', 'fences', changed.device_id));
    ELSE
        PERFORM pg_notify('changes', concat_ws(' ', 'lent', changed.group_id));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR DELETE ON device_geofence FOR EACH ROW EXECUTE FUNCTION tell_fenced();
CREATE TRIGGER tell AFTER INSERT OR DELETE ON group_geofence FOR EACH ROW EXECUTE FUNCTION tell_fenced();
