//! Who sits on this host: how many machines there are, and what is still offered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use solstice_api::host::Offer;
use solstice_model::Label;
use tokio::sync::watch;

use crate::settings::ImageSettings;

/// The host's room for machines: so many altogether, so many per image.
pub(crate) struct Seats {
    capacity: u32,
    images: Vec<Kind>,
    /// Guards the counts; never held across an await.
    taken: Mutex<Taken>,
    /// Counts the times that a seat became free.
    freed: watch::Sender<u64>,
}

/// An image, as far as room is concerned.
struct Kind {
    labels: Vec<Label>,
    capacity: u32,
}

#[derive(Debug)]
struct Taken {
    of_image: Vec<u32>,
    /// Machines that nobody knows and that are yet to be removed.
    strangers: u32,
}

/// Room for one machine; free again when dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    image: usize,
}

impl Seats {
    pub(crate) fn new(capacity: u32, images: &[ImageSettings]) -> Arc<Self> {
        let kind = |it: &ImageSettings| Kind { labels: it.labels.clone(), capacity: it.capacity };
        Arc::new(Self {
            capacity,
            images: images.iter().map(kind).collect(),
            taken: Mutex::new(Taken { of_image: vec![0; images.len()], strangers: 0 }),
            freed: watch::Sender::new(0),
        })
    }

    /// What can still be offered, and the room altogether.
    pub(crate) fn offers(&self) -> (Vec<Offer>, u32) {
        let taken = self.taken();
        let room = self.room(&taken);
        let offer = |(image, kind): (usize, &Kind)| Offer {
            labels: kind.labels.clone(),
            room: kind.capacity.saturating_sub(taken.of_image[image]).min(room),
        };
        (self.images.iter().enumerate().map(offer).collect(), room)
    }

    /// Takes a seat if there is one.
    pub(crate) fn try_take(self: &Arc<Self>, image: usize) -> Option<Seat> {
        let mut taken = self.taken();
        let free = self.room(&taken) > 0 && taken.of_image[image] < self.images[image].capacity;
        free.then(|| self.seat(&mut taken, image))
    }

    /// Takes a seat as soon as there is one. Cancel safe.
    pub(crate) async fn take(self: &Arc<Self>, image: usize) -> Seat {
        let mut freed = self.freed();
        loop {
            if let Some(seat) = self.try_take(image) {
                return seat;
            }
            freed.changed().await.expect("we hold the sender");
        }
    }

    /// Takes a seat for a machine that exists already, room or not.
    pub(crate) fn occupy(self: &Arc<Self>, image: usize) -> Seat {
        self.seat(&mut self.taken(), image)
    }

    /// Sets how many machines are there that nobody knows.
    pub(crate) fn set_strangers(&self, count: u32) {
        let before = std::mem::replace(&mut self.taken().strangers, count);
        if count < before {
            self.freed.send_modify(|times| *times += 1);
        }
    }

    /// Tells when a seat becomes free.
    pub(crate) fn freed(&self) -> watch::Receiver<u64> {
        self.freed.subscribe()
    }

    fn seat(self: &Arc<Self>, taken: &mut Taken, image: usize) -> Seat {
        taken.of_image[image] += 1;
        Seat { seats: self.clone(), image }
    }

    fn room(&self, taken: &Taken) -> u32 {
        let machines = taken.of_image.iter().sum::<u32>() + taken.strangers;
        self.capacity.saturating_sub(machines)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().of_image[self.image] -= 1;
        self.seats.freed.send_modify(|times| *times += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(capacity: u32, images: &[(&str, u32)]) -> Arc<Seats> {
        Arc::new(Seats {
            capacity,
            images: images
                .iter()
                .map(|(label, capacity)| Kind {
                    labels: vec![label.parse().unwrap()],
                    capacity: *capacity,
                })
                .collect(),
            taken: Mutex::new(Taken { of_image: vec![0; images.len()], strangers: 0 }),
            freed: watch::Sender::new(0),
        })
    }

    fn rooms(seats: &Seats) -> (Vec<u32>, u32) {
        let (offers, room) = seats.offers();
        (offers.iter().map(|offer| offer.room).collect(), room)
    }

    #[test]
    fn an_image_offers_no_more_than_the_host_has_room_for() {
        let seats = seats(3, &[("a", 2), ("b", 3)]);
        assert_eq!(rooms(&seats), (vec![2, 3], 3));
        let _first = seats.try_take(0).unwrap();
        let second = seats.try_take(0).unwrap();
        assert_eq!(rooms(&seats), (vec![0, 1], 1));
        assert!(seats.try_take(0).is_none(), "image a is full");
        let _third = seats.try_take(1).unwrap();
        assert!(seats.try_take(1).is_none(), "the host is full");
        drop(second);
        assert_eq!(rooms(&seats), (vec![1, 1], 1));
    }

    #[test]
    fn machines_that_nobody_knows_take_room_and_more_than_fit_are_no_panic() {
        let seats = seats(1, &[("a", 1)]);
        seats.set_strangers(2);
        assert_eq!(rooms(&seats), (vec![0], 0));
        let _adopted = (seats.occupy(0), seats.occupy(0));
        assert_eq!(rooms(&seats), (vec![0], 0));
        let freed = seats.freed();
        seats.set_strangers(0);
        assert!(freed.has_changed().unwrap());
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_seat_that_becomes_free() {
        let seats = seats(1, &[("a", 1)]);
        let first = seats.try_take(0).unwrap();
        let second = tokio::spawn({
            let seats = seats.clone();
            async move { seats.take(0).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        let _second = second.await.unwrap();
        assert!(seats.try_take(0).is_none());
    }
}
