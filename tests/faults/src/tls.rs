//! TLS in front of a server, with a certificate that is right or wrong in one way.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::proxy::{ask, read_head};

/// What is the matter with the certificate. All are signed by an authority of the test's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certificate {
    /// Nothing, for those who trust that authority.
    Own,
    /// Its time is over.
    Expired,
    /// It is for another name.
    OtherName,
}

/// Takes TLS off and passes requests on, one a connection.
pub struct TlsServer {
    address: SocketAddr,
    ca_pem: String,
}

impl TlsServer {
    /// In front of `upstream`.
    ///
    /// # Panics
    /// When no certificate can be made or loopback gives no port.
    #[must_use]
    pub fn before(upstream: SocketAddr, certificate: Certificate) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let config = Arc::new(config(&authority, certificate));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = Arc::clone(&config);
                thread::spawn(move || pass(stream, config, upstream));
            }
        });
        Self {
            address,
            ca_pem: authority.pem(),
        }
    }
    /// The authority, for those who shall trust it.
    #[must_use]
    pub fn ca_pem(&self) -> Vec<u8> {
        self.ca_pem.clone().into_bytes()
    }
    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

fn config(authority: &CertifiedIssuer<'static, KeyPair>, certificate: Certificate) -> ServerConfig {
    let name = match certificate {
        Certificate::OtherName => "elsewhere.test",
        _ => "localhost",
    };
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    if certificate == Certificate::Expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().expect("a key");
    let signed = params.signed_by(&key, authority).expect("a certificate");
    let chain = vec![CertificateDer::from(signed.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate of this key")
}

fn pass(stream: TcpStream, config: Arc<ServerConfig>, upstream: SocketAddr) -> Option<()> {
    let mut client = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
    let head = read_head(&mut client)?;
    let mut answer = Vec::new();
    ask(upstream, &head)?.read_to_end(&mut answer).ok()?;
    client.write_all(&answer).ok()?;
    client.conn.send_close_notify();
    client.flush().ok()
}
