//! `zpool list -Hp -o …`, `zpool get -Hp -o value …`: as much as says whether
//! there is room.
//!
//! illumos-gate usr/src/cmd/zpool/zpool_main.c (`zpool_do_list`),
//! usr/src/lib/libzfs/common/libzfs_pool.c (`zpool_open`).

use super::session::{Done, End, Session};

/// `zpool list -Hp [-o …] [POOL …]`.
pub(super) fn list(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "Hpo:", None);
    let Ok(given) = given else { return refuse(session) };
    let (true, true, Some(columns)) = (given.has('H'), given.has('p'), given.last('o')) else {
        return refuse(session);
    };
    let all: Vec<String> = session.state.pools.keys().cloned().collect();
    let mut ended = Ok(());
    for pool in if given.operands.is_empty() { &all } else { given.operands } {
        let Some(size) = session.state.pools.get(pool).map(|found| found.size) else {
            session.complain(format!("cannot open '{pool}': no such pool"));
            ended = Err(End::Code(1));
            continue;
        };
        let held = session.state.held(pool);
        let mut values = Vec::new();
        for column in columns.split(',') {
            values.push(match column {
                "name" => pool.clone(),
                "size" => size.to_string(),
                "allocated" | "alloc" => held.to_string(),
                "free" => size.saturating_sub(held).to_string(),
                "health" => "ONLINE".to_owned(),
                other => {
                    return session.not_simulated(&format!("the property {other} of a pool"));
                }
            });
        }
        session.out += &format!("{}\n", values.join("\t"));
    }
    ended
}

fn refuse(session: &mut Session<'_>) -> Done {
    session.not_simulated("zpool list but with -Hp -o")
}
