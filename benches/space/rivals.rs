//! What a reader would reach for: brute force, a fresh tree every tick, fat envelopes, and the tree
//! over occupied fixed cells.

use std::collections::HashMap;

use rstar::{AABB, RTree, RTreeObject};

use crate::circles::{Candidate, Circles, RADIUS};

/// All against all, as fast as vector code does it: runs of circles are tested as one, and looked
/// at one by one only where something touches.
pub(crate) struct Brute;

const RUN: usize = 64;

impl Candidate for Brute {
    fn refresh(&mut self, _: &Circles) {}

    fn pairs(&mut self, circles: &Circles, out: &mut Vec<(u32, u32)>) {
        let count = circles.xs.len();
        for a in 0..count {
            let (x, y) = (circles.xs[a], circles.ys[a]);
            let runs = circles.xs[a + 1..].chunks(RUN);
            for (run, (xs, ys)) in runs.zip(circles.ys[a + 1..].chunks(RUN)).enumerate() {
                let near = |(bx, by): (&f32, &f32)| {
                    let (dx, dy) = (x - bx, y - by);
                    dx * dx + dy * dy < 4.0 * RADIUS * RADIUS
                };
                if xs.iter().zip(ys).fold(false, |any, at| any | near(at)) {
                    let first = a + 1 + run * RUN;
                    let touching = (first..first + xs.len()).filter(|&b| circles.touch(a, b));
                    out.extend(touching.map(|b| (a as u32, b as u32)));
                }
            }
        }
    }
}

/// A box in a tree, and whose it is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    low: [f32; 2],
    high: [f32; 2],
    row: u32,
}

impl Entry {
    fn round(circles: &Circles, row: usize, margin: f32) -> Self {
        let (x, y) = (circles.xs[row], circles.ys[row]);
        let reach = RADIUS + margin;
        Self {
            low: [x - reach, y - reach],
            high: [x + reach, y + reach],
            row: row as u32,
        }
    }
}

impl RTreeObject for Entry {
    type Envelope = AABB<[f32; 2]>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.low, self.high)
    }
}

fn join(tree: &RTree<Entry>, circles: &Circles, out: &mut Vec<(u32, u32)>) {
    for (a, b) in tree.intersection_candidates_with_other_tree(tree) {
        if a.row < b.row && circles.touch(a.row as usize, b.row as usize) {
            out.push((a.row, b.row));
        }
    }
}

/// A fresh bulk load every tick, then tree against tree.
#[derive(Default)]
pub(crate) struct Rebuild {
    tree: RTree<Entry>,
}

impl Candidate for Rebuild {
    fn refresh(&mut self, circles: &Circles) {
        let entries = (0..circles.xs.len()).map(|row| Entry::round(circles, row, 0.0));
        self.tree = RTree::bulk_load(entries.collect());
    }

    fn pairs(&mut self, circles: &Circles, out: &mut Vec<(u32, u32)>) {
        join(&self.tree, circles, out);
    }
}

/// Boxes with room to move: the tree is touched only when a circle leaves its box.
pub(crate) struct Fat {
    tree: RTree<Entry>,
    entries: Vec<Entry>,
    margin: f32,
}

impl Fat {
    pub(crate) fn new(margin: f32) -> Self {
        Self {
            tree: RTree::new(),
            entries: Vec::new(),
            margin,
        }
    }
}

impl Candidate for Fat {
    fn refresh(&mut self, circles: &Circles) {
        let count = circles.xs.len();
        if self.entries.len() != count {
            let entries = (0..count).map(|row| Entry::round(circles, row, self.margin));
            self.entries = entries.collect();
            self.tree = RTree::bulk_load(self.entries.clone());
        }
        for row in 0..count {
            let (x, y, entry) = (circles.xs[row], circles.ys[row], &mut self.entries[row]);
            let inside = entry.low[0] <= x - RADIUS
                && entry.low[1] <= y - RADIUS
                && entry.high[0] >= x + RADIUS
                && entry.high[1] >= y + RADIUS;
            if !inside {
                assert!(self.tree.remove(entry).is_some());
                *entry = Entry::round(circles, row, self.margin);
                self.tree.insert(*entry);
            }
        }
    }

    fn pairs(&mut self, circles: &Circles, out: &mut Vec<(u32, u32)>) {
        join(&self.tree, circles, out);
    }
}

/// An occupied cell of a fixed grid; its box is grown by a radius, so that cells whose circles can
/// touch have boxes that do.
#[derive(Clone, Copy, PartialEq)]
struct Cell {
    cx: i32,
    cy: i32,
    place: u32,
    edge: f32,
}

impl RTreeObject for Cell {
    type Envelope = AABB<[f32; 2]>;
    fn envelope(&self) -> Self::Envelope {
        let (x, y) = (self.cx as f32 * self.edge, self.cy as f32 * self.edge);
        let (low, high) = (-RADIUS, self.edge + RADIUS);
        AABB::from_corners([x + low, y + low], [x + high, y + high])
    }
}

/// A tree over the occupied cells of a fixed grid: it changes when a cell fills or empties.
pub(crate) struct FixedCells {
    edge: f32,
    tree: RTree<Cell>,
    places: HashMap<(i32, i32), u32>,
    rows_in: Vec<Vec<u32>>,
    free: Vec<u32>,
    cell_of: Vec<(i32, i32)>,
}

impl FixedCells {
    pub(crate) fn new(edge: f32) -> Self {
        Self {
            edge,
            tree: RTree::new(),
            places: HashMap::new(),
            rows_in: Vec::new(),
            free: Vec::new(),
            cell_of: Vec::new(),
        }
    }

    fn enter(&mut self, row: u32, (cx, cy): (i32, i32)) {
        let edge = self.edge;
        let place = *self.places.entry((cx, cy)).or_insert_with(|| {
            let place = self.free.pop().unwrap_or_else(|| {
                self.rows_in.push(Vec::new());
                self.rows_in.len() as u32 - 1
            });
            self.tree.insert(Cell {
                cx,
                cy,
                place,
                edge,
            });
            place
        });
        self.rows_in[place as usize].push(row);
    }

    fn leave(&mut self, row: u32, (cx, cy): (i32, i32)) {
        let place = self.places[&(cx, cy)];
        let rows = &mut self.rows_in[place as usize];
        rows.retain(|&other| other != row);
        if rows.is_empty() {
            self.places.remove(&(cx, cy));
            self.free.push(place);
            let cell = Cell {
                cx,
                cy,
                place,
                edge: self.edge,
            };
            assert!(self.tree.remove(&cell).is_some());
        }
    }
}

impl Candidate for FixedCells {
    fn refresh(&mut self, circles: &Circles) {
        let cell_of = |row: usize| {
            let (x, y) = (circles.xs[row] / self.edge, circles.ys[row] / self.edge);
            (x.floor() as i32, y.floor() as i32)
        };
        let now: Vec<(i32, i32)> = (0..circles.xs.len()).map(cell_of).collect();
        let known = self.cell_of.len();
        for (row, &cell) in now.iter().enumerate() {
            if row >= known {
                self.enter(row as u32, cell);
            } else if self.cell_of[row] != cell {
                self.leave(row as u32, self.cell_of[row]);
                self.enter(row as u32, cell);
            }
        }
        self.cell_of = now;
    }

    fn pairs(&mut self, circles: &Circles, out: &mut Vec<(u32, u32)>) {
        for (a, b) in self
            .tree
            .intersection_candidates_with_other_tree(&self.tree)
        {
            if a.place > b.place {
                continue;
            }
            let (ones, others) = (
                &self.rows_in[a.place as usize],
                &self.rows_in[b.place as usize],
            );
            for (at, &one) in ones.iter().enumerate() {
                let start = if a.place == b.place { at + 1 } else { 0 };
                for &other in &others[start..] {
                    if circles.touch(one as usize, other as usize) {
                        out.push((one.min(other), one.max(other)));
                    }
                }
            }
        }
    }
}
