package regrant;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** The clock that the runner sets; the time of day until then. */
final class SettableClock extends Clock {

	private volatile Instant frozen;

	void set(Instant instant) {
		frozen = instant;
	}

	@Override
	public Instant instant() {
		Instant instant = frozen;
		return instant != null ? instant : Instant.now();
	}

	@Override
	public ZoneId getZone() {
		return ZoneOffset.UTC;
	}

	@Override
	public Clock withZone(ZoneId zone) {
		return this;
	}

}
