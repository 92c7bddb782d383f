//! Where the jobs of a run stand in a drawing of what needs what.
//!
//! Layers from left to right by the longest path from the start; within a layer
//! an order with few crossings (barycentres, as Sugiyama, Tagawa and Toda had it,
//! IEEE Transactions on Systems, Man and Cybernetics 11(2), 1981); heights as near
//! to the neighbours' as the distances allow. An edge over several layers has a
//! place of its own in each, so that it runs behind no job. The same jobs give
//! the same drawing.

use std::collections::HashSet;

/// The size of a node, in pixels.
pub(super) const WIDTH: i64 = 188;
pub(super) const HEIGHT: i64 = 50;

/// Between layers, and between what stands in one.
const GAP_X: i64 = 44;
const GAP_Y: i64 = 14;

/// Around it all, so that thick lines are not cut.
const MARGIN: i64 = 6;

/// How high the place of an edge that passes is.
const PASS: i64 = 8;

/// More places than this are not made for edges that pass: those are drawn straight.
const MAX_PASSES: usize = 2_000;

/// How often the order is improved from both ends.
const SWEEPS: usize = 6;

/// What is drawn: for each node those that it needs, and how long it took.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    /// The nodes that it needs.
    pub(super) needs: Vec<usize>,
    /// In milliseconds; 0 if that is not known.
    pub(super) took_ms: u64,
}

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawing {
    /// The whole, in pixels.
    pub(super) width: i64,
    pub(super) height: i64,
    /// The left upper corner of each node.
    pub(super) nodes: Vec<(i64, i64)>,
    /// What leads from a node to one that needs it.
    pub(super) edges: Vec<Edge>,
    /// The nodes on the path that took longest, in order; empty if no times are known.
    pub(super) critical: Vec<usize>,
}

/// A line from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Where it goes, as the `d` of an SVG path.
    pub(super) path: String,
}

/// Something that stands in a layer: a node, or the place of an edge that passes.
#[derive(Clone, Debug)]
struct Item {
    layer: usize,
    height: i64,
    left: Vec<usize>,
    right: Vec<usize>,
    y: i64,
}

/// Draws a graph without cycles. What leads to nowhere, or back, is left out.
pub(super) fn draw(input: &[Input]) -> Drawing {
    let layers = layers(input);
    let edges = edges(input, &layers);
    let (mut items, chains) = items(&layers, &edges);
    let mut rows = rows(&items);
    order(&items, &mut rows);
    place(&mut items, &rows);
    let x = |layer: usize| MARGIN + i64::try_from(layer).unwrap_or(0) * (WIDTH + GAP_X);
    let nodes: Vec<(i64, i64)> =
        items[..input.len()].iter().map(|item| (x(item.layer), item.y)).collect();
    let bottom = items.iter().map(|item| item.y + item.height).max().unwrap_or(0);
    let drawn = edges.iter().zip(&chains).map(|(&(from, to), chain)| {
        let middle = |&item: &usize| {
            let item: &Item = &items[item];
            (x(item.layer), item.y + item.height / 2)
        };
        let points: Vec<(i64, i64)> = chain.iter().map(middle).collect();
        Edge { from, to, path: path(nodes[from], &points, nodes[to]) }
    });
    Drawing {
        width: x(layers.iter().max().map_or(0, |last| last + 1)) - GAP_X + MARGIN,
        height: bottom + MARGIN,
        edges: drawn.collect(),
        critical: critical(input, &layers),
        nodes,
    }
}

/// The layer of each node: one behind the last that it needs. Needs that would
/// make a circle count for nothing.
fn layers(input: &[Input]) -> Vec<usize> {
    let mut layer = vec![0; input.len()];
    // Each round settles at least one more layer; a circle never does.
    for _ in 0..input.len() {
        let mut moved = false;
        for (node, one) in input.iter().enumerate() {
            let known = one.needs.iter().filter(|need| **need < input.len() && **need != node);
            let wanted = known.map(|need| layer[*need] + 1).max().unwrap_or(0);
            if wanted > layer[node] && wanted < input.len() {
                layer[node] = wanted;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    layer
}

/// The needs, without those that others imply: what is needed through another
/// need is seen on the way.
fn edges(input: &[Input], layers: &[usize]) -> Vec<(usize, usize)> {
    let mut by_layer: Vec<usize> = (0..input.len()).collect();
    by_layer.sort_by_key(|node| layers[*node]);
    let words = input.len().div_ceil(64);
    let mut before = vec![vec![0_u64; words]; input.len()];
    let mut edges = Vec::new();
    for node in by_layer {
        let mut needs = input[node].needs.clone();
        needs.retain(|need| *need < input.len() && layers[*need] < layers[node]);
        needs.sort_unstable();
        needs.dedup();
        // The nearest first: they imply the others.
        needs.sort_by_key(|need| std::cmp::Reverse(layers[*need]));
        let mut seen = vec![0_u64; words];
        for need in needs {
            if seen[need / 64] >> (need % 64) & 1 == 0 {
                edges.push((need, node));
            }
            seen[need / 64] |= 1 << (need % 64);
            for (word, more) in seen.iter_mut().zip(&before[need]) {
                *word |= more;
            }
        }
        before[node] = seen;
    }
    edges.sort_unstable();
    edges
}

/// The nodes, and behind them the places of edges that pass; for each edge its places.
fn items(layers: &[usize], edges: &[(usize, usize)]) -> (Vec<Item>, Vec<Vec<usize>>) {
    let item = |layer, height| Item { layer, height, left: vec![], right: vec![], y: 0 };
    let mut items: Vec<Item> = layers.iter().map(|layer| item(*layer, HEIGHT)).collect();
    let passes: usize = edges.iter().map(|&(from, to)| layers[to] - layers[from] - 1).sum();
    let mut chains = Vec::with_capacity(edges.len());
    for &(from, to) in edges {
        let mut chain = Vec::new();
        let mut last = from;
        if passes <= MAX_PASSES {
            for layer in layers[from] + 1..layers[to] {
                items.push(item(layer, PASS));
                chain.push(items.len() - 1);
                join(&mut items, last, chain[chain.len() - 1]);
                last = chain[chain.len() - 1];
            }
        }
        join(&mut items, last, to);
        chains.push(chain);
    }
    (items, chains)
}

fn join(items: &mut [Item], left: usize, right: usize) {
    items[left].right.push(right);
    items[right].left.push(left);
}

fn rows(items: &[Item]) -> Vec<Vec<usize>> {
    let count = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut rows = vec![Vec::new(); count];
    for (index, item) in items.iter().enumerate() {
        rows[item.layer].push(index);
    }
    rows
}

/// Puts each layer into an order with few crossings; keeps the best that was seen.
fn order(items: &[Item], rows: &mut Vec<Vec<usize>>) {
    let mut best = rows.clone();
    let mut fewest = crossings(items, rows);
    for _ in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        for layer in 1..rows.len() {
            by_barycentre(items, rows, layer, |item| &item.left);
        }
        for layer in (0..rows.len().saturating_sub(1)).rev() {
            by_barycentre(items, rows, layer, |item| &item.right);
        }
        let now = crossings(items, rows);
        if now < fewest {
            (fewest, best) = (now, rows.clone());
        }
    }
    *rows = best;
}

fn by_barycentre(
    items: &[Item],
    rows: &mut [Vec<usize>],
    layer: usize,
    neighbours: impl Fn(&Item) -> &Vec<usize>,
) {
    let at = positions(items.len(), rows);
    // Thousandths; what has no neighbours stays where it is.
    let centre = |index: &usize| {
        let of = neighbours(&items[*index]);
        let sum: usize = of.iter().map(|other| at[*other] * 1_000).sum();
        if of.is_empty() { at[*index] * 1_000 } else { sum / of.len() }
    };
    rows[layer].sort_by_cached_key(centre);
}

fn positions(count: usize, rows: &[Vec<usize>]) -> Vec<usize> {
    let mut at = vec![0; count];
    for row in rows {
        for (position, index) in row.iter().enumerate() {
            at[*index] = position;
        }
    }
    at
}

/// How many pairs of edges between neighbouring layers cross.
fn crossings(items: &[Item], rows: &[Vec<usize>]) -> u64 {
    let at = positions(items.len(), rows);
    let mut count = 0;
    for row in rows {
        // The right ends seen so far, in a Fenwick tree: those below cross.
        let mut tree = vec![0_u64; items.len() + 1];
        let mut seen = 0;
        for index in row {
            let mut ends: Vec<usize> = items[*index].right.iter().map(|right| at[*right]).collect();
            ends.sort_unstable();
            for end in &ends {
                count += seen - up_to(&tree, *end);
            }
            for end in ends {
                seen += 1;
                let mut slot = end + 1;
                while slot < tree.len() {
                    tree[slot] += 1;
                    slot += slot & slot.wrapping_neg();
                }
            }
        }
    }
    count
}

fn up_to(tree: &[u64], end: usize) -> u64 {
    let (mut sum, mut slot) = (0, end + 1);
    while slot > 0 {
        sum += tree[slot];
        slot &= slot - 1;
    }
    sum
}

/// Gives each item its height: stacked first, then drawn to its neighbours.
fn place(items: &mut [Item], rows: &[Vec<usize>]) {
    for row in rows {
        let mut y = 0;
        for index in row {
            items[*index].y = y;
            y += items[*index].height + GAP_Y;
        }
    }
    for sweep in 0..SWEEPS {
        for turn in 0..rows.len() {
            let back = sweep % 2 == 1;
            let row = &rows[if back { rows.len() - 1 - turn } else { turn }];
            draw_near(items, row, back);
        }
    }
    let top = items.iter().map(|item| item.y).min().unwrap_or(0);
    for item in items {
        item.y += MARGIN - top;
    }
}

/// Moves the items of a layer as near as they may get to where they would be: the
/// least squares with distances kept, by pooling neighbours that would overlap.
fn draw_near(items: &mut [Item], row: &[usize], back: bool) {
    let mut pools: Vec<(i64, i64)> = Vec::new(); // sum of the wishes, how many
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0;
    for index in row {
        offsets.push(offset);
        pools.push((wish(items, *index, back) - offset, 1));
        offset += items[*index].height + GAP_Y;
        while let [.., (above, many), (below, few)] = pools[..]
            && above * few > below * many
        {
            pools.pop();
            let last = pools.len() - 1;
            pools[last] = (above + below, many + few);
        }
    }
    let spread = pools.iter().flat_map(|(sum, count)| {
        std::iter::repeat_n(sum.div_euclid(*count), usize::try_from(*count).unwrap_or(0))
    });
    let heights: Vec<i64> = spread.zip(offsets).map(|(base, offset)| base + offset).collect();
    for (index, y) in row.iter().zip(heights) {
        items[*index].y = y;
    }
}

/// Where an item would be if it had all room: its middle at the mean of those of its
/// neighbours on one side.
fn wish(items: &[Item], index: usize, back: bool) -> i64 {
    let item = &items[index];
    let of = if back { &item.right } else { &item.left };
    if of.is_empty() {
        return item.y;
    }
    let sum: i64 = of.iter().map(|other| items[*other].y + items[*other].height / 2).sum();
    sum / i64::try_from(of.len()).unwrap_or(1) - item.height / 2
}

/// A curve from the right side of a node through places to the left side of another.
fn path(from: (i64, i64), through: &[(i64, i64)], to: (i64, i64)) -> String {
    let (mut x, y) = (from.0 + WIDTH, from.1 + HEIGHT / 2);
    let mut d = format!("M{x} {y}");
    let mut height = y;
    for &(left, middle) in through {
        let half = (left - x) / 2;
        d += &format!(" C{} {height} {} {middle} {left} {middle}", x + half, left - half);
        d += &format!(" H{}", left + WIDTH);
        (x, height) = (left + WIDTH, middle);
    }
    let (left, end) = (to.0, to.1 + HEIGHT / 2);
    let half = (left - x) / 2;
    d + &format!(" C{} {height} {} {end} {left} {end}", x + half, left - half)
}

/// The chain of needs that took longest, first to last.
fn critical(input: &[Input], layers: &[usize]) -> Vec<usize> {
    let mut by_layer: Vec<usize> = (0..input.len()).collect();
    by_layer.sort_by_key(|node| layers[*node]);
    let mut longest: Vec<(u64, Option<usize>)> = vec![(0, None); input.len()];
    for node in by_layer {
        let needs = input[node].needs.iter().copied();
        let needs = needs.filter(|need| *need < input.len() && layers[*need] < layers[node]);
        let before = needs.max_by_key(|need| (longest[*need].0, std::cmp::Reverse(*need)));
        let spent = before.map_or(0, |before| longest[before].0);
        longest[node] = (spent.saturating_add(input[node].took_ms), before);
    }
    let last = (0..input.len()).max_by_key(|node| (longest[*node].0, std::cmp::Reverse(*node)));
    let Some(last) = last.filter(|last| longest[*last].0 > 0) else { return Vec::new() };
    let mut chain = vec![last];
    let mut seen = HashSet::from([last]);
    while let Some(before) = longest[chain[chain.len() - 1]].1
        && seen.insert(before)
    {
        chain.push(before);
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(needs: &[&[usize]]) -> Vec<Input> {
        needs.iter().map(|needs| Input { needs: needs.to_vec(), took_ms: 1 }).collect()
    }

    /// A graph without cycles, the same for the same seed (SplitMix64).
    fn any(seed: u64, count: usize) -> Vec<Input> {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((z ^ (z >> 31)) >> 33).unwrap()
        };
        let mut all: Vec<Input> = Vec::new();
        for node in 0..count {
            let many = if node == 0 { 0 } else { next() % 4 };
            let needs = (0..many).map(|_| next() % node).collect();
            all.push(Input { needs, took_ms: u64::try_from(next() % 1_000).unwrap() });
        }
        all
    }

    fn assert_sound(input: &[Input], drawing: &Drawing) {
        for (one, (x, y)) in drawing.nodes.iter().enumerate() {
            assert!(*x >= 0 && x + WIDTH <= drawing.width, "{one} is inside");
            assert!(*y >= 0 && y + HEIGHT <= drawing.height, "{one} is inside");
            for (other, (left, top)) in drawing.nodes.iter().enumerate().skip(one + 1) {
                let apart = (x - left).abs() >= WIDTH || (y - top).abs() >= HEIGHT;
                assert!(apart, "{one} and {other} overlap");
            }
        }
        for edge in &drawing.edges {
            assert!(input[edge.to].needs.contains(&edge.from));
            assert!(drawing.nodes[edge.from].0 + WIDTH < drawing.nodes[edge.to].0, "forward");
        }
        for pair in drawing.critical.windows(2) {
            assert!(input[pair[1]].needs.contains(&pair[0]), "a chain of needs");
        }
    }

    #[test]
    fn nodes_never_overlap_and_edges_go_forward_and_it_is_always_the_same() {
        for seed in 0..60 {
            let input = any(seed, usize::try_from(seed).unwrap() % 41);
            let drawing = draw(&input);
            assert_sound(&input, &drawing);
            assert_eq!(draw(&input), drawing);
        }
    }

    #[test]
    fn two_hundred_jobs_are_drawn_at_once() {
        let begun = std::time::Instant::now();
        for seed in 0..3 {
            let input = any(seed, 200);
            assert_sound(&input, &draw(&input));
        }
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        // All of one layer need all of the one before: the worst that there is.
        let dense: Vec<Input> = (0..200_usize)
            .map(|node| match node / 20 * 20 {
                0 => Input::default(),
                layer => Input { needs: (layer - 20..layer).collect(), took_ms: 1 },
            })
            .collect();
        assert_sound(&dense, &draw(&dense));
    }

    #[test]
    fn what_another_need_implies_is_not_drawn() {
        let drawing = draw(&graph(&[&[], &[0], &[0, 1]]));
        let edges: Vec<_> = drawing.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        assert_eq!(edges, [(0, 1), (1, 2)]);
    }

    #[test]
    fn edges_that_need_not_cross_do_not() {
        // 0→5, 1→4, 2→3: in the order of the file all three would cross.
        let input = graph(&[&[], &[], &[], &[2], &[1], &[0]]);
        let drawing = draw(&input);
        let y = |node: usize| drawing.nodes[node].1;
        assert!(y(5) < y(4) && y(4) < y(3), "{:?}", drawing.nodes);
        assert_eq!((y(5), y(4), y(3)), (y(0), y(1), y(2)), "and they are straight");
    }

    #[test]
    fn the_critical_path_is_the_longest_in_time() {
        let mut input = graph(&[&[], &[], &[0, 1], &[0]]);
        input[1].took_ms = 50;
        input[3].took_ms = 40;
        assert_eq!(draw(&input).critical, [1, 2]);
        for one in &mut input {
            one.took_ms = 0;
        }
        assert!(draw(&input).critical.is_empty());
    }

    #[test]
    fn nonsense_is_drawn_without_harm() {
        assert_eq!(draw(&[]).nodes, []);
        let circle = graph(&[&[1], &[0], &[7], &[3]]);
        assert_eq!(draw(&circle).nodes.len(), 4);
    }
}
