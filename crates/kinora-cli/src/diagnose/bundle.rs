//! A diagnosis as one file to send to somebody. It holds no secret: nothing that could be one is in a diagnosis.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use kinora_diagnose::Diagnosis;
use kinora_errors::Lang;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::text;
use crate::report::{Failure, Style};

/// Writes `report.json` for machines, `report.zh.txt` and `report.en.txt` for people, `about.txt` of this machine.
pub(crate) fn write(path: &Path, diagnosis: &Diagnosis) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(&path.display().to_string(), &error);
    let json = serde_json::to_string_pretty(diagnosis)
        .map_err(|error| failed(std::io::Error::other(error)))?;
    let about = format!(
        "kinora {}\n{} {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let files = [
        ("report.json", json),
        ("report.zh.txt", reported(diagnosis, Lang::Zh)),
        ("report.en.txt", reported(diagnosis, Lang::En)),
        ("about.txt", about),
    ];
    let mut bundle = ZipWriter::new(File::create(path).map_err(failed)?);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, text) in files {
        let begun = bundle.start_file(name, stored);
        begun.map_err(|error| failed(error.into()))?;
        bundle.write_all(text.as_bytes()).map_err(failed)?;
    }
    let file = bundle.finish().map_err(|error| failed(error.into()))?;
    file.sync_all().map_err(failed)
}

fn reported(diagnosis: &Diagnosis, lang: Lang) -> String {
    let style = Style::plain(lang);
    let checks: String = diagnosis
        .checks
        .iter()
        .map(|check| text::check(check, &style))
        .collect();
    format!(
        "{}\n\n{checks}{}",
        diagnosis.source,
        text::verdict(&diagnosis.verdict, &style)
    )
}
