//! Which ports of a host answer, asked of at most a hundred at once.
//!
//! ```text
//! cargo run --example port_scanner -- 127.0.0.1
//! ```

use std::{convert::Infallible, env, error::Error, time::Duration};

use roundel::{
    TaskGroup,
    net::{ConnectOptions, resolve},
};

fn main() -> Result<(), Box<dyn Error>> {
    let host = env::args().nth(1).ok_or("usage: port_scanner HOST")?;
    roundel::run(async move {
        // Looked up once, not for every port.
        let host = resolve((host, 0)).await?[0].ip();
        let mut options = ConnectOptions::default();
        options.limit = Some(Duration::from_secs(2));
        let options = &options;
        TaskGroup::scope(async |group| {
            group.limit(100);
            for port in 1..1024 {
                group
                    .spawn_when_free(async move {
                        if options.connect((host, port)).await.is_ok() {
                            println!("{port} is open");
                        }
                        Ok(())
                    })
                    .await;
            }
            Ok::<_, Infallible>(())
        })
        .await?;
        Ok(())
    })?
}
