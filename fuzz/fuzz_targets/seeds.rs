//! Writes the seeds of each target into a folder of its name below the folder that is given.

use std::{env, fs, path::PathBuf};

fn main() {
    let root = PathBuf::from(env::args().nth(1).expect("a folder"));
    for target in tessera_fuzz::TARGETS {
        let folder = root.join(target.name);
        fs::create_dir_all(&folder).expect("a folder that can be made");
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).expect("a file that can be written");
        }
    }
}
