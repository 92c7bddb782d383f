//! How reports are sent, and how often.

use super::*;

#[test]
fn what_an_operator_can_mend_is_tried_again() {
    let refused = |status| ForgeError::Refused {
        what: "POST".to_owned(),
        status,
        message: String::new(),
        retry: Retry::Never,
    };
    assert_eq!(patience(&refused(403)), Retry::Backoff);
    assert_eq!(patience(&refused(404)), Retry::Backoff);
    assert_eq!(patience(&refused(422)), Retry::Never);
}

#[test]
fn pauses_grow_up_to_a_bound_and_obey_the_forge() {
    let seconds = |retry, tries| pause(retry, tries).map(|pause| pause.num_seconds());
    assert_eq!(seconds(Retry::Backoff, 0), Some(1));
    assert_eq!(seconds(Retry::Backoff, 3), Some(8));
    assert_eq!(seconds(Retry::Backoff, 1000), Some(600));
    assert_eq!(seconds(Retry::After(Duration::from_secs(90)), 0), Some(90));
    assert_eq!(seconds(Retry::After(Duration::ZERO), 5), Some(1));
    assert_eq!(seconds(Retry::After(Duration::from_secs(1 << 40)), 0), Some(3600));
    assert_eq!(seconds(Retry::Never, 0), None);
}
