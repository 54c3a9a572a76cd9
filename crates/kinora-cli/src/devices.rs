//! `kinora devices`: where sound can come out.

use kinora::Coded as _;
use kinora::output::{AudioDevice, audio_devices};
use serde_json::json;

use crate::json;
use crate::out;
use crate::report::{Failure, Style};

pub(crate) fn run(style: &Style) -> Result<(), Failure> {
    let devices = audio_devices().map_err(|error| error.fault())?;
    for device in &devices {
        match style.json {
            true => json::line(&object(device)),
            false => out::line(&row(device, style)),
        }
    }
    Ok(())
}

fn object(device: &AudioDevice) -> serde_json::Value {
    json!({
        "output": output(device), "system": device.system, "name": device.name,
        "description": device.description, "default": device.is_default,
    })
}

fn row(device: &AudioDevice, style: &Style) -> String {
    let default = match device.is_default {
        true => style.say(" (default)", "（默认）"),
        false => "",
    };
    format!("{}  {}{default}", output(device), device.description)
}

/// As `--ao` takes it.
fn output(device: &AudioDevice) -> String {
    format!("{}:{}", device.system, device.name)
}
