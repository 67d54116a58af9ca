-- Who listens is told when other events are to be told: "rights <user>", for users whose notifications have changed, or
-- the calendars and the devices that these are linked to.

CREATE FUNCTION tell_notice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
BEGIN
    changed := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    IF TG_TABLE_NAME = 'notifications' THEN
        PERFORM pg_notify('changes', concat_ws(' ', 'rights', user_id)) FROM user_notification
            WHERE notification_id = changed.id;
    ELSIF TG_TABLE_NAME = 'calendars' THEN
        PERFORM pg_notify('changes', concat_ws(' ', 'rights', l.user_id)) FROM user_notification l
            JOIN notifications n ON n.id = l.notification_id WHERE n.calendar_id = changed.id;
    ELSE
        PERFORM pg_notify('changes', concat_ws(' ', 'rights', user_id)) FROM user_notification
            WHERE notification_id = changed.notification_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_notice AFTER UPDATE ON notifications FOR EACH ROW EXECUTE FUNCTION tell_notice();
CREATE TRIGGER tell_notice AFTER UPDATE ON calendars FOR EACH ROW EXECUTE FUNCTION tell_notice();
CREATE TRIGGER tell_notice AFTER INSERT OR DELETE ON device_notification FOR EACH ROW EXECUTE FUNCTION tell_notice();
CREATE TRIGGER tell_notice AFTER INSERT OR DELETE ON group_notification FOR EACH ROW EXECUTE FUNCTION tell_notice();
CREATE TRIGGER tell AFTER INSERT OR DELETE ON user_notification FOR EACH ROW EXECUTE FUNCTION tell_change();
