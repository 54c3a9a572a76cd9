//! What the video service answers, and credentials that expire.

use kinora_errors::Fault;
use kinora_media::Time;

use super::Session;
use crate::cx::Cx;
use crate::ingest::Ingest;
use crate::resolve::Resolved;
use crate::{Credential, Event, Initiator, Input, Refusal, recover};

/// A fresh credential is waited for so long.
const MAX_REFRESH: Time = Time::from_millis(10_000);

/// Whether the source may be read with the credential that there is.
#[derive(Debug)]
pub(super) enum Access {
    /// Nobody says otherwise.
    Granted,
    /// The credential was refused: a fresh one is waited for until then.
    Expired { refusal: Fault, until: Time },
    /// A fresh one was given; the service's answer to it is on its way.
    Renewed { refusal: Fault },
}

impl Access {
    /// A fresh credential was given; gives what was said of the one before.
    fn take_refusal(&mut self) -> Option<Fault> {
        match std::mem::replace(self, Self::Granted) {
            Self::Expired { refusal, .. } => Some(refusal),
            other => {
                *self = other;
                None
            }
        }
    }

    /// The service took the fresh credential; gives what it said of the one before.
    fn take_renewal(&mut self) -> Option<Fault> {
        match std::mem::replace(self, Self::Granted) {
            Self::Renewed { refusal } => Some(refusal),
            other => {
                *self = other;
                None
            }
        }
    }

    /// No fresh credential came in time.
    pub(super) fn patience_is_over(&mut self, mono: Time) -> Option<Fault> {
        match self {
            Self::Expired { until, .. } if *until <= mono => self.take_refusal(),
            _ => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Expired { until, .. } => Some(*until),
            Self::Granted | Self::Renewed { .. } => None,
        }
    }
}

impl Session {
    /// Gives an answer of the video service to the call that waits for it.
    pub(super) fn input_for_call(&mut self, cx: &mut Cx, input: &Input) -> Option<Resolved> {
        self.resolve.as_mut()?.input(cx, input)
    }

    pub(super) fn resolved(&mut self, cx: &mut Cx, resolved: Resolved) {
        match resolved {
            Resolved::Pending => {}
            Resolved::Url(url) => {
                if let Some(fault) = self.access.take_renewal() {
                    cx.recovered(fault);
                }
                match self.ingest {
                    Ingest::Unknown => self.ingest = Ingest::open(cx, url, Initiator::User),
                    _ => self.ingest.renew(cx, url),
                }
            }
            Resolved::Failed(fault) => self.refused(cx, fault),
        }
    }

    /// Takes a fresh credential. One for the video service may come before the old one expires; a URL is taken when it is
    /// asked for only.
    pub(crate) fn refresh(&mut self, cx: &mut Cx, credential: Credential) -> Result<(), Refusal> {
        if let Credential::Url(url) = credential {
            self.access.take_refusal().ok_or(Refusal::NothingExpired)?;
            self.ingest.renew(cx, url);
            return Ok(());
        }
        let call = self.resolve.as_mut().ok_or(Refusal::OtherCredential)?;
        if !call.refresh(credential) {
            return Err(Refusal::OtherCredential);
        }
        let Some(refusal) = self.access.take_refusal() else {
            return Ok(());
        };
        // Of media that was refused, its own transfer reports when it comes again.
        if recover::is_expired(&refusal) {
            self.access = Access::Renewed { refusal };
        }
        self.ask_service(cx);
        Ok(())
    }

    /// Asks the service where the video is.
    pub(super) fn ask_service(&mut self, cx: &mut Cx) {
        if let Some(call) = &mut self.resolve
            && let Err(fault) = call.ask(cx)
        {
            self.refused(cx, fault);
        }
    }

    fn refused(&mut self, cx: &mut Cx, fault: Fault) {
        if recover::is_expired(&fault) {
            self.await_credential(cx, fault);
        } else {
            self.supply.fail(fault);
        }
    }

    /// Asks for a fresh credential. Several requests may be refused at once; the application is asked once.
    pub(super) fn await_credential(&mut self, cx: &mut Cx, fault: Fault) {
        if let Access::Expired { .. } = self.access {
            return;
        }
        let patience = Time::from(cx.config.network_timeout).min(MAX_REFRESH);
        self.access = Access::Expired {
            refusal: fault.clone(),
            until: cx.mono() + patience,
        };
        cx.event(Event::CredentialExpired(fault));
    }
}
