//! Times as zfs shows them: `%a %b %e %k:%M %Y`, in universal time, which is
//! the zone of the simulated host.

/// Seconds since 1970, as shown.
pub(super) fn shown(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds.div_euclid(86_400);
    let minute = seconds.rem_euclid(86_400) / 60;
    let (year, month, day) = civil(days);
    let pick = |names: &[&'static str], at: i64| names[usize::try_from(at).unwrap_or(0)];
    let weekday = pick(&DAYS, days.rem_euclid(7));
    let month = pick(&MONTHS, month - 1);
    format!("{weekday} {month} {day:>2} {:>2}:{:02} {year}", minute / 60, minute % 60)
}

/// Year, month and day of a number of days since 1970, in the Gregorian
/// calendar, counted in years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn times_are_shown_as_strftime_shows_them() {
        assert_eq!(shown(0), "Thu Jan  1  0:00 1970");
        assert_eq!(shown(1_760_000_000), "Thu Oct  9  8:53 2025");
        assert_eq!(shown(1_709_211_599), "Thu Feb 29 12:59 2024");
    }
}
