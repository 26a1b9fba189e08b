//! Reads that the reader has taken out of its inbox: those for orders come before those for logins.
//!
//! Anybody with a token can make a login, many at once; who gives an order is in the game already.
//! So that orders cannot hold logins up for ever either, a login has its turn after every
//! [`ORDER_READS_IN_A_ROW`].

use std::collections::VecDeque;

use super::reader::Read;
use crate::limits::{ORDER_READS_IN_A_ROW, STORE_READS_MAX};

/// Bounded by [`STORE_READS_MAX`].
#[derive(Default)]
pub(super) struct ReadQueue {
    orders: VecDeque<Read>,
    logins: VecDeque<Read>,
    orders_in_a_row: usize,
}

impl ReadQueue {
    /// Whether it takes one more.
    pub(super) fn has_room(&self) -> bool {
        self.orders.len() + self.logins.len() < STORE_READS_MAX
    }

    pub(super) fn push(&mut self, read: Read) {
        match read {
            Read::Load { .. } => self.logins.push_back(read),
            Read::RequestDigests { .. } | Read::Outcomes(_) | Read::Stop => {
                self.orders.push_back(read);
            }
        }
    }

    /// Takes the next one out.
    pub(super) fn pop(&mut self) -> Option<Read> {
        let is_logins_turn = self.orders_in_a_row >= ORDER_READS_IN_A_ROW;
        if (is_logins_turn || self.orders.is_empty())
            && let Some(login) = self.logins.pop_front()
        {
            self.orders_in_a_row = 0;
            return Some(login);
        }
        self.orders_in_a_row += 1;
        self.orders.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlayerId;
    use crate::store::record::Purpose;

    fn login(ticket: u64) -> Read {
        Read::Load {
            ticket,
            player: PlayerId::parse("ann").unwrap(),
            purpose: Purpose::Login,
        }
    }

    fn order(ticket: u64) -> Read {
        Read::RequestDigests {
            ticket,
            player: PlayerId::parse("bob").unwrap(),
        }
    }

    fn popped(queue: &mut ReadQueue) -> Vec<u64> {
        let tickets = std::iter::from_fn(|| queue.pop()).map(|read| match read {
            Read::Load { ticket, .. } | Read::RequestDigests { ticket, .. } => ticket,
            Read::Outcomes(_) | Read::Stop => 0,
        });
        tickets.collect()
    }

    #[test]
    fn an_order_is_looked_up_before_the_logins_that_wait() {
        let mut queue = ReadQueue::default();
        for read in [login(1), login(2), order(3), login(4), order(5)] {
            queue.push(read);
        }
        assert_eq!(popped(&mut queue), [3, 5, 1, 2, 4]);
    }

    #[test]
    fn orders_do_not_hold_logins_up_for_ever() {
        let mut queue = ReadQueue::default();
        let rows = ORDER_READS_IN_A_ROW as u64;
        queue.push(login(1_000));
        for ticket in 0..3 * rows {
            queue.push(order(ticket));
        }
        let order = popped(&mut queue);
        assert_eq!(order[rows as usize], 1_000);
        assert_eq!(order.len() as u64, 3 * rows + 1);
    }

    #[test]
    fn it_is_bounded() {
        let mut queue = ReadQueue::default();
        for ticket in 0..STORE_READS_MAX as u64 {
            assert!(queue.has_room());
            queue.push(login(ticket));
        }
        assert!(!queue.has_room());
    }
}
