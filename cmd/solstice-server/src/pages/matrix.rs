//! The jobs of a matrix as a table.

use std::collections::BTreeMap;

/// A table whose cells are jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// The axes that are told by the first cells of each row.
    pub(super) axes: Vec<String>,
    /// The axis that is told by the head of each column, if there is one.
    pub(super) across: Option<String>,
    /// The values of that axis; one nameless column without it.
    pub(super) columns: Vec<String>,
    /// The rows.
    pub(super) rows: Vec<Row>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The values of the axes; `–` where a job has none.
    pub(super) values: Vec<String>,
    /// The jobs of each column, by number: none where the matrix has none.
    pub(super) cells: Vec<Vec<usize>>,
}

/// Makes a table of jobs, each with its values. The axis with the fewest values
/// goes across if at least a quarter of the table is filled then; everything is in
/// the order in which it first comes.
pub(super) fn table(jobs: &[&BTreeMap<String, String>]) -> Table {
    let mut axes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (axis, value) in jobs.iter().flat_map(|values| values.iter()) {
        let known = axes.entry(axis).or_default();
        if !known.contains(&value.as_str()) {
            known.push(value);
        }
    }
    let across = match axes.len() {
        0 | 1 => None,
        _ => axes.iter().min_by_key(|(_, values)| values.len()).map(|(axis, _)| *axis),
    };
    if let Some(across) = across {
        let table = with_columns(jobs, &axes, Some(across));
        if table.rows.len() * table.columns.len() <= 4 * jobs.len() {
            return table;
        }
    }
    with_columns(jobs, &axes, None)
}

fn with_columns(
    jobs: &[&BTreeMap<String, String>],
    axes: &BTreeMap<&str, Vec<&str>>,
    across: Option<&str>,
) -> Table {
    let down: Vec<&str> = axes.keys().copied().filter(|axis| Some(*axis) != across).collect();
    let value = |values: &BTreeMap<String, String>, axis: &str| {
        values.get(axis).cloned().unwrap_or_else(|| "–".to_owned())
    };
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    let mut at: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (job, values) in jobs.iter().enumerate() {
        let column = across.map_or_else(String::new, |axis| value(values, axis));
        let column = columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            columns.push(column);
            columns.len() - 1
        });
        let key: Vec<String> = down.iter().map(|axis| value(values, axis)).collect();
        let row = *at.entry(key.clone()).or_insert_with(|| {
            rows.push(Row { values: key, cells: Vec::new() });
            rows.len() - 1
        });
        let cells = &mut rows[row].cells;
        cells.resize(cells.len().max(column + 1), Vec::new());
        cells[column].push(job);
    }
    for row in &mut rows {
        row.cells.resize(columns.len(), Vec::new());
    }
    let axes = down.into_iter().map(str::to_owned).collect();
    Table { axes, across: across.map(str::to_owned), columns, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values.iter().map(|(axis, value)| ((*axis).to_owned(), (*value).to_owned())).collect()
    }

    fn made(cells: &[BTreeMap<String, String>]) -> Table {
        table(&cells.iter().collect::<Vec<_>>())
    }

    #[test]
    fn one_axis_goes_down() {
        let table = made(&[cell(&[("os", "omnios")]), cell(&[("os", "debian")])]);
        assert_eq!((table.axes, table.across), (vec!["os".to_owned()], None));
        assert_eq!(table.rows[1], Row { values: vec!["debian".to_owned()], cells: vec![vec![1]] });
    }

    #[test]
    fn of_two_axes_the_shorter_goes_across_and_what_is_excluded_is_empty() {
        let table = made(&[
            cell(&[("os", "a"), ("rust", "1")]),
            cell(&[("os", "b"), ("rust", "1")]),
            cell(&[("os", "c"), ("rust", "1")]),
            cell(&[("os", "a"), ("rust", "2")]),
        ]);
        assert_eq!(table.across.as_deref(), Some("rust"));
        assert_eq!(table.columns, ["1", "2"]);
        assert_eq!(table.rows[0].cells, [vec![0], vec![3]]);
        assert_eq!(table.rows[1].cells, [vec![1], vec![]]);
    }

    #[test]
    fn three_axes_have_rows_of_two() {
        let mut cells = Vec::new();
        for os in ["a", "b", "c"] {
            for rust in ["1", "2"] {
                for mode in ["x", "y", "z"] {
                    cells.push(cell(&[("os", os), ("rust", rust), ("mode", mode)]));
                }
            }
        }
        let table = made(&cells);
        assert_eq!(table.axes, ["mode", "os"]);
        assert_eq!(table.rows.len(), 9);
        assert!(table.rows.iter().all(|row| row.cells.iter().all(|jobs| jobs.len() == 1)));
        let shown: usize = table.rows.iter().flat_map(|row| &row.cells).map(Vec::len).sum();
        assert_eq!(shown, cells.len());
    }

    #[test]
    fn a_sparse_matrix_does_not_become_a_huge_table() {
        let cells: Vec<_> =
            (0..300).map(|n: i32| cell(&[("a", &n.to_string()), ("b", &n.to_string())])).collect();
        let table = made(&cells);
        assert_eq!((table.rows.len(), table.columns.len()), (300, 1));
    }

    #[test]
    fn jobs_with_the_same_values_share_a_cell_and_missing_ones_are_marked() {
        let table = made(&[cell(&[("os", "a")]), cell(&[("os", "a")]), cell(&[])]);
        assert_eq!(table.rows[0].cells, [vec![0, 1]]);
        assert_eq!(table.rows[1].values, ["–"]);
    }
}
