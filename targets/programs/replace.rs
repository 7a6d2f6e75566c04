// std::fs in Rust: "write" in place, or a replace with "none", "data" or "all" of its syncs. For scenarios/.
use std::fs;
use std::io::Write;

fn main() -> std::io::Result<()> {
    let how = std::env::args().nth(1).unwrap_or_default();
    if how == "write" {
        return fs::write("f", "new\n");
    }
    let mut file = fs::File::create("f.tmp")?;
    file.write_all(b"new\n")?;
    if how != "none" {
        file.sync_all()?;
    }
    drop(file);
    fs::rename("f.tmp", "f")?;
    if how == "all" {
        fs::File::open(".")?.sync_all()?;
    }
    Ok(())
}
