//! `kinora play-auth`: a credential from the service.

use kinora::Credentials;

use crate::args::PlayAuthArgs;
use crate::out;
use crate::report::Failure;
use crate::source::{net_config, secret};

pub(crate) fn run(args: &PlayAuthArgs) -> Result<(), Failure> {
    let credentials = Credentials {
        access_key_id: args.access_key_id.clone(),
        access_key_secret: secret(&args.access_key_secret)?,
        security_token: None,
    };
    let net = net_config(&args.net)?;
    let credential = kinora::play_auth(
        &args.video,
        args.lifetime,
        args.endpoint.as_deref(),
        &args.region,
        &credentials,
        &net,
    )?;
    // Printing the credential is what this command is for.
    out::line(credential.expose());
    Ok(())
}
