//! Placement on machines that are not at hand, as synthetic trees.

use super::*;
use std::fs::create_dir_all;
use tempfile::TempDir;

/// Package, number of the core, last-level cache, memory node.
type Place = (u32, u32, Option<u32>, u32);

/// A tree in which CPU `i` stands at `cpus[i]`.
fn tree(cpus: &[Place]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |path: std::path::PathBuf, text: String| {
        create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text + "\n").unwrap();
    };
    write(root.path().join("online"), format!("0-{}", cpus.len() - 1));
    for name in ["cpufreq", "cpuidle", "power"] {
        create_dir_all(root.path().join(name)).unwrap();
    }
    for (id, (package, core, cache, node)) in cpus.iter().enumerate() {
        let folder = root.path().join(format!("cpu{id}"));
        let same = |alike: &dyn Fn(&Place) -> bool| {
            format_list((0..cpus.len() as u32).filter(|other| alike(&cpus[*other as usize])))
        };
        write(folder.join("topology/physical_package_id"), package.to_string());
        write(folder.join("topology/core_id"), core.to_string());
        let threads = same(&|other| (other.0, other.1) == (*package, *core));
        write(folder.join("topology/thread_siblings_list"), threads.clone());
        create_dir_all(folder.join(format!("node{node}"))).unwrap();
        for (index, level) in [1, 1, 2].into_iter().enumerate() {
            write(folder.join(format!("cache/index{index}/level")), level.to_string());
            write(folder.join(format!("cache/index{index}/shared_cpu_list")), threads.clone());
        }
        if cache.is_some() {
            write(folder.join("cache/index3/level"), "3".into());
            write(folder.join("cache/index3/shared_cpu_list"), same(&|other| other.2 == *cache));
        }
    }
    root
}

/// Two sockets with six cores of two threads each, numbered as a Linux on two Xeon X5650 does: even and odd numbers
/// are sockets, the second threads come behind all first ones, core numbers have a gap.
fn two_x5650() -> Topology {
    let cpus: Vec<_> = (0..24_u32)
        .map(|id| {
            let package = id % 2;
            (package, [0, 1, 2, 8, 9, 10][(id / 2 % 6) as usize], Some(package), package)
        })
        .collect();
    Topology::read(tree(&cpus).path()).unwrap()
}

/// One package, two caches of four cores each, no second threads.
fn two_caches() -> Topology {
    let cpus: Vec<_> = (0..8_u32).map(|id| (0, id, Some(id / 4), 0)).collect();
    Topology::read(tree(&cpus).path()).unwrap()
}

const ALL: [u32; 24] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

#[test]
fn relations_are_read() {
    let machine = two_x5650();
    assert_eq!(machine.cpus().count(), 24);
    assert_eq!(machine.cpu(7), Some(Cpu { id: 7, core: 7, core_id: 8, package: 1, cache: 1, node: 1 }));
    assert_eq!(machine.cpu(19), Some(Cpu { id: 19, core: 7, core_id: 8, package: 1, cache: 1, node: 1 }));
    assert_eq!(machine.cpu(24), None);
}

#[test]
fn near_means_cores_of_one_socket() {
    let machine = two_x5650();
    assert_eq!(machine.choose(2, &ALL, Policy::Near, 0).unwrap(), [0, 2]);
    assert_eq!(machine.choose(3, &ALL, Policy::Near, 5).unwrap(), [5, 7, 9]);
    assert_eq!(machine.choose(6, &ALL, Policy::Near, 0).unwrap(), [0, 2, 4, 6, 8, 10]);
}

#[test]
fn the_other_socket_comes_before_second_threads() {
    let machine = two_x5650();
    let chosen = machine.choose(8, &ALL, Policy::Near, 0).unwrap();
    let cores: std::collections::BTreeSet<u32> = chosen.iter().map(|id| machine.cpu(*id).unwrap().core).collect();
    assert_eq!(cores.len(), 8, "{chosen:?}");
    assert_eq!(chosen[..6], [0, 2, 4, 6, 8, 10]);
    // With one socket allowed, its second threads come last.
    let socket: Vec<u32> = ALL.into_iter().filter(|id| id % 2 == 0).collect();
    assert_eq!(machine.choose(8, &socket, Policy::Near, 0).unwrap(), [0, 2, 4, 6, 8, 10, 12, 14]);
}

#[test]
fn a_socket_with_room_is_preferred_to_the_current_one() {
    let machine = two_x5650();
    assert_eq!(machine.choose(3, &[0, 1, 3, 5, 12], Policy::Near, 0).unwrap(), [1, 3, 5]);
    assert_eq!(machine.choose(2, &[0, 1, 12], Policy::Near, 0).unwrap(), [0, 1]);
}

#[test]
fn the_current_thread_stands_for_its_core() {
    let machine = two_x5650();
    assert_eq!(machine.choose(2, &ALL, Policy::Near, 12).unwrap(), [12, 14]);
}

#[test]
fn a_cache_is_a_smaller_domain_than_a_package() {
    let machine = two_caches();
    let all = [0, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(machine.choose(3, &all, Policy::Near, 2).unwrap(), [2, 3, 0]);
    assert_eq!(machine.choose(5, &all, Policy::Near, 4).unwrap(), [4, 5, 6, 7, 0]);
    assert_eq!(machine.choose(2, &all, Policy::Far, 0).unwrap(), [0, 4]);
    assert_eq!(machine.choose(2, &[3, 5, 6], Policy::Near, 3).unwrap(), [5, 6]);
}

#[test]
fn far_means_sockets_in_turn() {
    let machine = two_x5650();
    assert_eq!(machine.choose(3, &ALL, Policy::Far, 0).unwrap(), [0, 1, 2]);
    assert_eq!(machine.choose(4, &[0, 2, 4, 6, 12, 1], Policy::Far, 0).unwrap(), [0, 1, 2, 4]);
}

#[test]
fn cpus_are_used_again_when_there_are_too_few() {
    let machine = two_caches();
    assert_eq!(machine.choose(3, &[1], Policy::Near, 0).unwrap(), [1, 1, 1]);
    assert_eq!(machine.choose(5, &[1, 6], Policy::Far, 0).unwrap(), [1, 6, 1, 6, 1]);
    assert_eq!(machine.choose(1, &[], Policy::Near, 0), Err(TopologyError::Nothing));
    assert_eq!(machine.choose(1, &[99], Policy::Near, 0), Err(TopologyError::Nothing));
}

#[test]
fn lists_are_checked() {
    let machine = two_caches();
    let choose = |n, list: &[u32]| machine.choose(n, &[0, 1, 2], Policy::List(list), 0);
    assert_eq!(choose(2, &[2, 0, 1]).unwrap(), [2, 0]);
    assert_eq!(choose(2, &[1, 1]).unwrap(), [1, 1]);
    assert_eq!(choose(2, &[0, 3]), Err(TopologyError::NotAllowed(3, "0-2".into())));
    assert_eq!(choose(2, &[0, 8]), Err(TopologyError::NoSuchCpu(8, "0-7".into())));
    assert_eq!(choose(3, &[0, 1]), Err(TopologyError::TooFew(2, 3)));
}

#[test]
fn what_is_not_shown_is_assumed_simple() {
    // No third-level cache, as in many virtual machines: one per package.
    let machine = Topology::read(tree(&[(0, 0, None, 0), (0, 1, None, 0), (1, 0, None, 0)]).path()).unwrap();
    assert_eq!(machine.cpus().map(|cpu| cpu.cache).collect::<Vec<_>>(), [0, 0, 2]);
    // Nothing but the folders.
    let root = tempfile::tempdir().unwrap();
    create_dir_all(root.path().join("cpu0")).unwrap();
    create_dir_all(root.path().join("cpu3")).unwrap();
    let machine = Topology::read(root.path()).unwrap();
    assert_eq!(machine.choose(2, &[0, 3], Policy::Near, 3).unwrap(), [3, 0]);
    fs::write(root.path().join("online"), "0\n").unwrap();
    assert_eq!(Topology::read(root.path()).unwrap().cpus().count(), 1, "CPU 3 is offline");
    assert!(Topology::read(&root.path().join("cpu0")).is_err());
}

#[test]
fn lists_of_numbers() {
    assert_eq!(parse_list("0-2,5\n"), Some(vec![0, 1, 2, 5]));
    assert_eq!(parse_list("\n"), Some(vec![]));
    assert_eq!(parse_list("0-x"), None);
    assert_eq!(parse_list("0-4000000000"), None);
    assert_eq!(format_list([5, 0, 1, 2, 2]), "0-2,5");
    assert_eq!(format_list([]), "");
}

#[test]
fn this_machine_is_readable() {
    let machine = Topology::system().unwrap();
    let all: Vec<u32> = machine.cpus().map(|cpu| cpu.id).collect();
    let chosen = machine.choose(2, &all, Policy::Near, all[0]).unwrap();
    assert!(chosen.iter().all(|id| all.contains(id)));
}
