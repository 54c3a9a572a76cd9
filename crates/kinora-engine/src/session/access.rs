//! What the video service answers, and credentials that expire.

use kinora_errors::Fault;
use kinora_media::Time;

use super::Session;
use crate::cx::Cx;
use crate::ingest::Ingest;
use crate::resolve::Resolved;
use crate::transfer::Terms;
use crate::{Credential, Event, Input, Refusal, recover};

/// A fresh credential is waited for so long.
const LONGEST_REFRESH: Time = Time::from_millis(10_000);

impl Session {
    /// Gives an answer of the video service to the call that waits for it.
    pub(super) fn input_for_call(&mut self, cx: &mut Cx, input: &Input) -> Option<Resolved> {
        let call = self.resolve.as_mut()?;
        match input {
            Input::Fetch(event) if call.owns(event.id()) => {
                let event = event.clone();
                Some(call.route(cx, |cx, transfer| {
                    transfer.on_event(cx, event, Terms::default())
                }))
            }
            Input::Timeout => match call.on_time(cx, Terms::default()) {
                Resolved::Pending => None,
                resolved => Some(resolved),
            },
            _ => None,
        }
    }

    pub(super) fn resolved(&mut self, cx: &mut Cx, resolved: Resolved) {
        match resolved {
            Resolved::Pending => {}
            Resolved::Url(url) => {
                if let Some(fault) = self.replaced.take() {
                    cx.recovered(fault);
                }
                match self.ingest {
                    Ingest::Unknown => self.ingest = Ingest::open(cx, url),
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
            self.expiry.take().ok_or(Refusal::NothingExpired)?;
            self.ingest.renew(cx, url);
            return Ok(());
        }
        let call = self.resolve.as_mut().ok_or(Refusal::OtherCredential)?;
        if !call.refresh(credential) {
            return Err(Refusal::OtherCredential);
        }
        let Some((fault, _)) = self.expiry.take() else {
            return Ok(());
        };
        // Of media that was refused, its own transfer tells when it comes again.
        self.replaced = recover::is_expired(&fault).then_some(fault);
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
            self.doom = Some(fault);
        }
    }

    /// Asks for a fresh credential. Several requests may be refused at once; the application is asked once.
    pub(super) fn await_credential(&mut self, cx: &mut Cx, fault: Fault) {
        if self.expiry.is_some() {
            return;
        }
        let patience = Time::from(cx.config.network_timeout).min(LONGEST_REFRESH);
        self.expiry = Some((fault.clone(), cx.mono() + patience));
        cx.event(Event::CredentialExpired(fault));
    }
}
