//! TLS: trust, set up at the first need, and what its failures mean.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::sync::OnceCell;

use crate::NetError;
use crate::error::TlsFailure;

/// The client's TLS settings, made once.
#[derive(Default)]
pub(crate) struct Tls(OnceCell<Arc<ClientConfig>>);

impl Tls {
    /// The settings; the first call reads the system's certificates.
    pub(crate) async fn config(&self, extra_ca_pem: &[u8]) -> Result<Arc<ClientConfig>, NetError> {
        self.0
            .get_or_try_init(|| async {
                let extra = extra_ca_pem.to_vec();
                tokio::task::spawn_blocking(move || load(&extra))
                    .await
                    .map_err(|error| NetError::Start(io::Error::other(error)))?
            })
            .await
            .map(Arc::clone)
    }
}

fn load(extra_ca_pem: &[u8]) -> Result<Arc<ClientConfig>, NetError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| NetError::Start(io::Error::other(error)))?;
    let mut config = builder
        .with_root_certificates(roots(extra_ca_pem)?)
        .with_no_client_auth();
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

fn roots(extra_ca_pem: &[u8]) -> Result<RootCertStore, NetError> {
    let mut roots = RootCertStore::empty();
    // Single certificates that can not be read take nothing from the others; with none at all every
    // handshake fails as `tls.unknown_ca`, which says what is the matter.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let bad = |error: &dyn std::fmt::Display| NetError::BadCaCertificates(error.to_string());
    let mut extra = 0;
    for certificate in CertificateDer::pem_slice_iter(extra_ca_pem) {
        let certificate = certificate.map_err(|error| bad(&error))?;
        roots.add(certificate).map_err(|error| bad(&error))?;
        extra += 1;
    }
    if extra == 0 && !extra_ca_pem.is_empty() {
        return Err(bad(&"there is no certificate in it"));
    }
    Ok(roots)
}

/// Settings that verify as always, and record the server's certificate.
pub(crate) async fn recording_config(
    extra_ca_pem: &[u8],
    certificate: Arc<Mutex<Option<Vec<u8>>>>,
) -> Result<Arc<ClientConfig>, NetError> {
    let extra = extra_ca_pem.to_vec();
    let made = tokio::task::spawn_blocking(move || {
        let failed =
            |error: &dyn std::fmt::Display| NetError::Start(io::Error::other(error.to_string()));
        let roots = Arc::new(roots(&extra)?);
        let inner = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .map_err(|error| failed(&error))?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(RecordingVerifier { inner, certificate }))
            .with_no_client_auth();
        config.alpn_protocols = protocols();
        Ok(Arc::new(config))
    });
    made.await
        .map_err(|error| NetError::Start(io::Error::other(error)))?
}

/// The usual verifier; every verdict is its own.
#[derive(Debug)]
struct RecordingVerifier {
    inner: Arc<WebPkiServerVerifier>,
    certificate: Arc<Mutex<Option<Vec<u8>>>>,
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The error of rustls within an error of input and output.
pub(crate) fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What a failed handshake, or an alert after it, means.
pub(crate) fn failure(host: &str, source: io::Error) -> NetError {
    NetError::Tls {
        kind: rustls_error(&source).map_or(TlsFailure::Handshake, kind),
        host: host.to_owned(),
        source,
    }
}

fn kind(error: &rustls::Error) -> TlsFailure {
    use CertificateError as C;
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return TlsFailure::Handshake;
    };
    match certificate {
        C::Expired | C::ExpiredContext { .. } => TlsFailure::Expired,
        C::NotValidYet | C::NotValidYetContext { .. } => TlsFailure::NotYetValid,
        C::NotValidForName | C::NotValidForNameContext { .. } => TlsFailure::WrongHost,
        C::UnknownIssuer => TlsFailure::UnknownCa,
        C::Revoked => TlsFailure::Revoked,
        _ => TlsFailure::Certificate,
    }
}
